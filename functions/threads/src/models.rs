//! `GET /api/models`: which models may be asked.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use registry::ModelConfig;
use serde::Serialize;

use crate::clients::Clients;
use crate::error::ApiError;
use crate::shapes::ok;

/// Answers with the models in the operator's order, and which of them answers where none is named.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/models",
    tag = "account",
    operation_id = "listModels",
    summary = "Which models may be asked",
    responses((status = 200, description = "In the operator's order", body = ref("#/components/schemas/ModelList"))),
))]
pub(crate) async fn models(
    State(clients): State<Arc<Clients>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    clients.authenticate(&headers).await?;
    let registry = &clients.registry;
    Ok(ok(&List {
        models: registry.models(),
        default: &registry.default_model().id,
    }))
}

/// The models.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ModelList"))]
pub(crate) struct List<'a> {
    models: &'a [ModelConfig],
    /// The id of the model that answers where none is named.
    default: &'a str,
}
