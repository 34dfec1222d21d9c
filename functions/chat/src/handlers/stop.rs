//! `POST /api/chat/{threadId}/stop`: stops the running answer.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::Response;
use front::{json_response, read_body};
use http::StatusCode;
use json::Object;
use message::StreamId;
use serde::Serialize;
use serde_json::value::RawValue;
use validation::RequestError;

use crate::error::ApiError;
use crate::invocation::Invocation;
#[cfg(test)]
use crate::openapi;
use crate::path::{PathPart, thread_id};
use crate::state::AppState;
use crate::turn::stop::{can_stop_here, enforce_stop};

/// The size limit of the body, which holds a stream id.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024;

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
    thread: PathPart,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let user = state.authenticate(&head.headers).await?;
    let thread = thread_id(thread)?;
    let requested = parse_stop_request(&read_body(body, MAX_BODY_BYTES).await?)?;
    let open = state
        .store
        .stop_turn(&user, &thread, requested.as_ref())
        .await?;
    // Without journals other processes do not watch for stops, so only a turn that ends here
    // counts.
    let open = open.filter(|open| state.has_journals() || can_stop_here(&state, open));
    let result = StopResult {
        stopping: open.is_some(),
        stream_id: open.as_ref().map(|open| open.stream().clone()),
    };
    if let Some(open) = open {
        enforce_stop(&state, open, &invocation);
    }
    let result = serde_json::to_string(&result).expect("what we write is always JSON");
    Ok(json_response(StatusCode::OK, result))
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
