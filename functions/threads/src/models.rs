//! `GET /api/models`: which models may be asked.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::json;

use crate::clients::Clients;
use crate::error::ApiError;
use crate::shapes::ok;

/// Answers with the models in the operator's order, and which of them answers where none is named.
pub(crate) async fn models(
    State(clients): State<Arc<Clients>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    clients.user_of(&headers).await?;
    let registry = &clients.registry;
    Ok(ok(&json!({ "models": registry.models(), "default": registry.default_model().id })))
}
