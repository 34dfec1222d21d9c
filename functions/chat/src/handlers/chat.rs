//! `POST /api/chat`: makes every refusal before the stream begins, while the response can still
//! carry a status.

use std::sync::Arc;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use front::{FrontError, is_uncompressed_json, read_body};
use validation::ChatRequest;

use crate::error::ApiError;
use crate::invocation::Invocation;
use crate::state::AppState;
use crate::stream::body::StreamBody;
use crate::turn::Turn;
use crate::turn::task::TurnTask;

/// Answers a chat request with the stream of its turn.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/chat",
    tag = "chat",
    operation_id = "chat",
    summary = "Send a message and stream its answer",
    request_body(content = ref("#/components/schemas/ChatRequest"), content_type = "application/json"),
    responses((status = 200, description = "The answer", content_type = "text/event-stream", body = String)),
))]
pub(crate) async fn answer(
    State(state): State<Arc<AppState>>,
    Extension(invocation): Extension<Invocation>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let user = state.authenticate(&head.headers).await?;
    if !is_uncompressed_json(&head.headers) {
        return Err(FrontError::UnsupportedMediaType.into());
    }
    let body = read_body(body, state.limits.max_body_bytes).await?;

    let request = ChatRequest::parse(&body, &state.limits)?;
    let model = match &request.model {
        Some(id) => state
            .registry
            .model_config(id)
            .ok_or_else(|| ApiError::UnknownModel(id.clone()))?,
        None => state.registry.default_model(),
    };
    let prompt = state
        .gateway
        .prompt(state.system_prompt.as_deref(), &request.messages)?;

    let turn = Turn::new(user, request, &model.id)?;
    let model = state.gateway.model(model);
    let task = TurnTask::new(state, turn, model, prompt, invocation.clone());
    let buffer = task.start().await?;
    Ok(StreamBody::new(buffer, invocation.process_tasks()).into_response())
}
