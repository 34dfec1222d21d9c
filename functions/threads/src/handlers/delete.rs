//! `DELETE /api/threads/{threadId}`: deletes a thread with its messages, even while a turn runs in
//! it.

use std::sync::Arc;

use axum::extract::State;
use front::now_ms;
use http::{HeaderMap, StatusCode};

use crate::error::ApiError;
#[cfg(test)]
use crate::openapi;
use crate::query::{PathPart, thread_id};
use crate::state::AppState;

/// Deletes the thread. A repeated request completes a delete that was interrupted.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/threads/{threadId}",
    tag = "threads",
    operation_id = "deleteThread",
    summary = "Delete a thread with its messages",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    responses((status = 204, description = "The thread is deleted. Its running turn is stopped")),
))]
pub(crate) async fn delete(
    State(state): State<Arc<AppState>>,
    thread: PathPart,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let user = state.authenticate(&headers).await?;
    let id = thread_id(thread)?;
    let was_there = state.store.delete_thread(&user, &id, now_ms()).await?;
    if was_there {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NoThread)
    }
}
