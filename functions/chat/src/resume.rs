//! `GET /api/chat/{threadId}/stream`: the answer that is being written, from its first byte on.
//! `POST /api/chat/{threadId}/stop`: no more of it, please.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use front::{json_response, read_body as read};
use http::StatusCode;
use message::{Object, StreamId, ThreadId};
use serde::Serialize;
use serde_json::value::RawValue;
use validation::RequestError;

use crate::body::LogBody;
use crate::chat::stream;
use crate::clients::Clients;
use crate::error::ApiError;
use crate::invocation::Invocation;
#[cfg(test)]
use crate::openapi;

/// A stop's body is a stream's id and little else.
pub(crate) const STOP_BODY_BYTES: usize = 16 * 1024;

/// Answers with the running turn's stream, or with 204 where none runs.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/chat/{threadId}/stream",
    tag = "chat",
    operation_id = "resume",
    summary = "The answer that is being written, from its first byte on",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    responses(
        (status = 200, description = "The answer", content_type = "text/event-stream", body = String),
        (status = 204, description = "No answer is being written"),
    ),
))]
pub(crate) async fn resume(
    State(clients): State<Arc<Clients>>,
    Extension(invocation): Extension<Invocation>,
    thread: AddressPart,
    request: Request,
) -> Result<Response, ApiError> {
    let user = clients.authenticate(request.headers()).await?;
    let thread = thread_id(thread)?;
    let Some(open) = clients.settled(&user, &thread, &invocation).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    match clients.attach(&open, Vec::new(), &invocation) {
        Some(log) => Ok(stream(LogBody::new(log, invocation.process_tasks()))),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Stops the running turn, if there is one and it is the one that the body names.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/chat/{threadId}/stop",
    tag = "chat",
    operation_id = "stop",
    summary = "No more of this answer, please",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    request_body(content = ref("#/components/schemas/StopRequest"), content_type = "application/json"),
    responses((status = 200, description = "What is stopped", body = ref("#/components/schemas/Stopping"))),
))]
pub(crate) async fn stop(
    State(clients): State<Arc<Clients>>,
    Extension(invocation): Extension<Invocation>,
    thread: AddressPart,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let user = clients.authenticate(&head.headers).await?;
    let thread = thread_id(thread)?;
    let named = named_stream(&read(body, STOP_BODY_BYTES).await?)?;
    let stopping = clients
        .store
        .stop_turn(&user, &thread, named.as_ref())
        .await?;
    // Without journals nobody elsewhere looks whether a stop was asked.
    let stopping = stopping.filter(|open| clients.has_journals() || clients.reaches(open));
    let stream = stopping.as_ref().map(|open| open.stream().clone());
    if let Some(open) = stopping {
        clients.see_stopped(open, &invocation);
    }
    let answer = Stopping {
        stopping: stream.is_some(),
        stream_id: stream,
    };
    let answer = serde_json::to_string(&answer).expect("what we write is always JSON");
    Ok(json_response(StatusCode::OK, answer))
}

/// What is stopped.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stopping {
    /// Whether there was something to stop.
    stopping: bool,
    /// The answer that is stopped.
    stream_id: Option<StreamId>,
}

/// A part of an address, which need not be text.
type AddressPart = Result<Path<String>, PathRejection>;

fn thread_id(part: AddressPart) -> Result<ThreadId, ApiError> {
    let Ok(Path(text)) = part else {
        return Err(ApiError::NotFound);
    };
    ThreadId::parse(&text).map_err(|_| ApiError::NotFound)
}

/// The `streamId` in the body of a stop. No body, or none in it: whichever turn runs.
fn named_stream(body: &[u8]) -> Result<Option<StreamId>, ApiError> {
    if body.is_empty() {
        return Ok(None);
    }
    let invalid = |field: &str, problem: &str| {
        RequestError::from(message::Invalid::new(field, problem.to_owned()))
    };
    let document: &RawValue = serde_json::from_slice(body)
        .map_err(|_| invalid("body", "must be a JSON object, or empty"))?;
    if !document.get().starts_with('{') {
        return Err(invalid("body", "must be a JSON object, or empty").into());
    }
    let fields = Object::parse(document, "").map_err(RequestError::from)?;
    let Some(text) = fields
        .optional_string("streamId")
        .map_err(RequestError::from)?
    else {
        return Ok(None);
    };
    let stream =
        StreamId::parse(&text).map_err(|problem| invalid("streamId", &problem.to_string()))?;
    Ok(Some(stream))
}
