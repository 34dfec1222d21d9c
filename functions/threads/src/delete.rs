//! `DELETE /api/threads/{threadId}`: the thread and everything in it, also while a turn runs in it.

use std::sync::Arc;

use axum::extract::{Path, State};
use front::now_ms;
use http::{HeaderMap, StatusCode};

use crate::clients::Clients;
use crate::error::ApiError;
use crate::query::thread_id;

/// Deletes. One that was not finished is finished by the next.
pub(crate) async fn delete(
    State(clients): State<Arc<Clients>>,
    Path(thread): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, ApiError> {
    let user = clients.user_of(&headers).await?;
    let id = thread_id(&thread)?;
    let was_there = clients.store.delete_thread(&user, &id, now_ms()).await?;
    if was_there { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::NoThread) }
}
