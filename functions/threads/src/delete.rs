//! `DELETE /api/threads/{threadId}`: the thread and everything in it, also while a turn runs in it.

use std::sync::Arc;

use axum::extract::State;
use front::now_ms;
use http::{HeaderMap, StatusCode};

use crate::clients::Clients;
use crate::error::ApiError;
#[cfg(test)]
use crate::openapi;
use crate::query::{AddressPart, thread_id};

/// Deletes. One that was not finished is finished by the next.
#[cfg_attr(test, utoipa::path(
    delete,
    path = "/api/threads/{threadId}",
    tag = "threads",
    operation_id = "deleteThread",
    summary = "The thread and everything in it",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    responses((status = 204, description = "It is gone. A turn that ran in it is stopped")),
))]
pub(crate) async fn delete(
    State(clients): State<Arc<Clients>>,
    thread: AddressPart,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let user = clients.authenticate(&headers).await?;
    let id = thread_id(thread)?;
    let was_there = clients.store.delete_thread(&user, &id, now_ms()).await?;
    if was_there {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::NoThread)
    }
}
