//! `GET /api/models`: the models that a request may name.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use registry::ModelConfig;
use serde::Serialize;

use crate::error::ApiError;
use crate::response::ok;
use crate::state::AppState;

/// Answers with the models in the operator's order, and the default model.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/models",
    tag = "account",
    operation_id = "listModels",
    summary = "List the available models",
    responses((status = 200, description = "The models, in the operator's order", body = ref("#/components/schemas/ModelList"))),
))]
pub(crate) async fn models(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    state.authenticate(&headers).await?;
    let registry = &state.registry;
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
    /// The id of the model that answers if a request names none.
    default: &'a str,
}
