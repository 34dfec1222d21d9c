//! `GET /api/chat/{threadId}/stream`: streams the running answer from its first byte.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use front::now_ms;
use http::StatusCode;

use crate::error::ApiError;
use crate::invocation::Invocation;
#[cfg(test)]
use crate::openapi;
use crate::path::{PathPart, thread_id};
use crate::state::AppState;
use crate::stream::body::StreamBody;
use crate::turn::attach::attach;
use crate::turn::recover::spawn_recovery;

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
    thread: PathPart,
    request: Request,
) -> Result<Response, ApiError> {
    let user = state.authenticate(request.headers()).await?;
    let thread = thread_id(thread)?;
    let Some(mut current) = state.store.current_turn(&user, &thread).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    // An earlier turn does not change the stream that the client gets, so it is recovered in a task.
    let earlier = current.unfinished_previous.take();
    if let Some(earlier) = earlier.filter(|earlier| earlier.is_dead(now_ms())) {
        spawn_recovery(&state, earlier, &invocation);
    }
    let Some(open) = recovery::running_turn(&state.store, current, now_ms()).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    match attach(&state, &open, Vec::new(), &invocation) {
        Some(buffer) => Ok(StreamBody::new(buffer, invocation.process_tasks()).into_response()),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}
