//! The routes and their handlers.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use front::FrontError;

use crate::error::ApiError;
use crate::handlers::{chat, resume, stop};
use crate::state::AppState;

/// Builds the function's tower service. Requests carry their [`crate::invocation::Invocation`] as
/// an extension.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    Router::new()
        .route("/api/chat", post(chat::answer))
        .route("/api/chat/{threadId}/stream", get(resume::resume))
        .route("/api/chat/{threadId}/stop", post(stop::stop))
        .method_not_allowed_fallback(async || ApiError::from(FrontError::MethodNotAllowed))
        .fallback(async || ApiError::from(FrontError::NotFound))
        .with_state(state)
}
