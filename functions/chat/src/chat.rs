//! `POST /api/chat`: everything that may be refused is refused here, while there is still a status to set.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::Response;
use front::{is_uncompressed_json, read_body};
use validation::ChatRequest;

use crate::body::LogBody;
use crate::clients::Clients;
use crate::error::ApiError;
use crate::invocation::Invocation;
use crate::turn::Turn;

/// Answers a chat request with the stream of its turn.
#[cfg_attr(test, utoipa::path(
    post,
    path = "/api/chat",
    tag = "chat",
    operation_id = "chat",
    summary = "One message in, its answer out as a stream",
    request_body(content = ref("#/components/schemas/ChatRequest"), content_type = "application/json"),
    responses((status = 200, description = "The answer", content_type = "text/event-stream", body = String)),
))]
pub(crate) async fn answer(
    State(clients): State<Arc<Clients>>,
    Extension(invocation): Extension<Invocation>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let user = clients.authenticate(&head.headers).await?;
    if !is_uncompressed_json(&head.headers) {
        return Err(ApiError::UnsupportedMediaType);
    }
    let body = read_body(body, clients.limits.max_body_bytes).await?;

    let request = ChatRequest::parse(&body, &clients.limits)?;
    let model = match &request.model {
        Some(id) => clients
            .registry
            .model_config(id)
            .ok_or_else(|| ApiError::UnknownModel(id.clone()))?,
        None => clients.registry.default_model(),
    };
    let prompt = clients
        .gateway
        .prompt(clients.system_prompt.as_deref(), &request.messages)?;

    let turn = Turn::new(&clients, user, request, model, prompt)?;
    let log = turn.start(&invocation).await?;
    Ok(stream(LogBody::new(log, invocation.process_tasks())))
}

/// The response of a stream.
pub(crate) fn stream(body: LogBody) -> Response {
    let mut response = Response::new(Body::new(body));
    for (name, value) in ui_stream::STREAM_HEADERS {
        response
            .headers_mut()
            .insert(name, http::HeaderValue::from_static(value));
    }
    response
}
