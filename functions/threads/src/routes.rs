//! The routes and their handlers.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, patch};
use front::FrontError;

use crate::error::ApiError;
use crate::handlers::{delete, list, messages, models, rename, usage};
use crate::state::AppState;

/// Builds the function's tower service.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    Router::new()
        .route("/api/threads", get(list::list))
        .route(
            "/api/threads/{threadId}",
            patch(rename::rename).delete(delete::delete),
        )
        .route("/api/threads/{threadId}/messages", get(messages::messages))
        .route("/api/models", get(models::models))
        .route("/api/usage", get(usage::usage))
        .method_not_allowed_fallback(async || ApiError::from(FrontError::MethodNotAllowed))
        .fallback(async || ApiError::from(FrontError::NotFound))
        .with_state(state)
}
