//! `GET /api/chat/{threadId}/stream`: streams the running answer from its first byte.
//! `POST /api/chat/{threadId}/stop`: stops it.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use front::{json_response, read_body as read};
use http::StatusCode;
use json::Object;
use message::{StreamId, ThreadId};
use serde::Serialize;
use serde_json::value::RawValue;
use validation::RequestError;

use crate::error::ApiError;
use crate::handlers::chat::stream_response;
use crate::invocation::Invocation;
#[cfg(test)]
use crate::openapi;
use crate::state::AppState;
use crate::stream::body::StreamBody;

/// The size limit of a stop's body, which holds a stream id.
pub(crate) const MAX_STOP_BODY_BYTES: usize = 16 * 1024;

/// Answers with the running turn's stream, or with 204 if none runs.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/chat/{threadId}/stream",
    tag = "chat",
    operation_id = "resume",
    summary = "Stream the running answer from its first byte",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    responses(
        (status = 200, description = "The answer", content_type = "text/event-stream", body = String),
        (status = 204, description = "No answer is running"),
    ),
))]
pub(crate) async fn resume(
    State(state): State<Arc<AppState>>,
    Extension(invocation): Extension<Invocation>,
    thread: AddressPart,
    request: Request,
) -> Result<Response, ApiError> {
    let user = state.authenticate(request.headers()).await?;
    let thread = thread_id(thread)?;
    let Some(open) = state.running_turn(&user, &thread, &invocation).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    match state.attach(&open, Vec::new(), &invocation) {
        Some(buffer) => Ok(stream_response(StreamBody::new(
            buffer,
            invocation.process_tasks(),
        ))),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// Stops the running turn, if there is one and the body names it or names none.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/chat/{threadId}/stop",
    tag = "chat",
    operation_id = "stop",
    summary = "Stop the running answer",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    request_body(content = ref("#/components/schemas/StopRequest"), content_type = "application/json"),
    responses((status = 200, description = "The result of the stop", body = ref("#/components/schemas/StopResult"))),
))]
pub(crate) async fn stop(
    State(state): State<Arc<AppState>>,
    Extension(invocation): Extension<Invocation>,
    thread: AddressPart,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let user = state.authenticate(&head.headers).await?;
    let thread = thread_id(thread)?;
    let requested = parse_stop_request(&read(body, MAX_STOP_BODY_BYTES).await?)?;
    let stopping = state
        .store
        .stop_turn(&user, &thread, requested.as_ref())
        .await?;
    // Without journals other processes do not watch for stops, so only a turn that ends here
    // counts.
    let stopping = stopping.filter(|open| state.has_journals() || state.can_stop_here(open));
    let stream = stopping.as_ref().map(|open| open.stream().clone());
    if let Some(open) = stopping {
        state.enforce_stop(open, &invocation);
    }
    let answer = StopResult {
        stopping: stream.is_some(),
        stream_id: stream,
    };
    let answer = serde_json::to_string(&answer).expect("what we write is always JSON");
    Ok(json_response(StatusCode::OK, answer))
}

/// The result of a stop.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct StopResult {
    /// True if there was a running answer to stop.
    stopping: bool,
    /// The stream of the answer that is stopped.
    stream_id: Option<StreamId>,
}

/// A path parameter, which may be invalid UTF-8.
type AddressPart = Result<Path<String>, PathRejection>;

fn thread_id(part: AddressPart) -> Result<ThreadId, ApiError> {
    let Ok(Path(text)) = part else {
        return Err(ApiError::NotFound);
    };
    ThreadId::parse(&text).map_err(|_| ApiError::NotFound)
}

/// Parses the `streamId` in the body of a stop. An empty body, or one without it, means any running
/// turn.
fn parse_stop_request(body: &[u8]) -> Result<Option<StreamId>, ApiError> {
    if body.is_empty() {
        return Ok(None);
    }
    let invalid = |field: &str, problem: &str| {
        RequestError::from(json::Invalid::new(field, problem.to_owned()))
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
