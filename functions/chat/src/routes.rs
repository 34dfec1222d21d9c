//! Addresses, and what answers there.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::chat;
use crate::clients::Clients;
use crate::error::ApiError;
use crate::resume;

/// The function as a tower service. Requests carry their [`crate::invocation::Invocation`] as an extension.
pub(crate) fn router(clients: Arc<Clients>) -> Router {
    Router::new()
        .route("/api/chat", post(chat::answer))
        .route("/api/chat/{threadId}/stream", get(resume::resume))
        .route("/api/chat/{threadId}/stop", post(resume::stop))
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .fallback(async || ApiError::NotFound)
        .with_state(clients)
}
