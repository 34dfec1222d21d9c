//! `POST /api/chat`: everything that may be refused is refused here, while there is still a status to set.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use message::UserId;
use session::{CredentialSource, Found, SessionError};
use validation::{ChatRequest, RequestError};

use crate::body::LogBody;
use crate::clients::{Clients, now_ms};
use crate::error::ApiError;
use crate::failure;
use crate::invocation::Invocation;
use crate::turn::Turn;

/// How long a body may take to arrive over plain HTTP. On Lambda it is there already.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Answers a chat request with the stream of its turn.
pub(crate) async fn answer(
    State(clients): State<Arc<Clients>>,
    Extension(invocation): Extension<Invocation>,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let user = clients.user_of(&head.headers).await?;
    check_content_headers(&head.headers)?;
    let body = read(body, clients.limits.max_body_bytes).await?;

    let request = ChatRequest::parse(&body, &clients.limits)?;
    let model = match &request.model {
        Some(id) => clients.registry.model_config(id).ok_or_else(|| ApiError::UnknownModel(id.clone()))?,
        None => clients.registry.default_model(),
    };
    let prompt = clients.gateway.prompt(clients.system_prompt.as_deref(), &request.messages)?;

    let turn = Turn::new(&clients, user, request, model, prompt)?;
    let log = turn.start(&invocation).await?;
    Ok(stream(LogBody::new(log, invocation.process_tasks())))
}

impl Clients {
    /// The signed-in user who sends this request.
    pub(crate) async fn user_of(&self, headers: &HeaderMap) -> Result<UserId, ApiError> {
        let now_ms = now_ms();
        let found = self.sessions.find(headers, signed(now_ms)).map_err(ApiError::Unauthorized)?;
        if found.source() == CredentialSource::Cookie {
            self.origins.check(headers).map_err(ApiError::Forbidden)?;
        }
        let session = match found {
            Found::Session { session, .. } => session,
            Found::NeedsStore(credential) => {
                let stored = self.store.session_value(credential.token.storage_key(), now_ms).await?;
                self.sessions.session(&credential, stored.as_deref(), signed(now_ms)).map_err(refused)?
            }
        };
        if !self.check_revocation {
            return Ok(session.user_id);
        }
        let revoked = self.store.session_value(&session::revocation_key(&session.user_id), now_ms).await?;
        Ok(session.unless_revoked(revoked.as_deref()).map_err(refused)?.user_id)
    }
}

/// A record that cannot be read is worth an operator's attention; the user only has to sign in again.
fn refused(error: SessionError) -> ApiError {
    if let SessionError::Malformed(_) = error {
        tracing::warn!(error = failure::chain(&error), "a stored session cannot be read");
    }
    ApiError::Unauthorized(error)
}

fn signed(now_ms: u64) -> i64 {
    i64::try_from(now_ms).unwrap_or(i64::MAX)
}

/// Only JSON: no page can make a browser send that to another site without asking first (CORS).
fn check_content_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let encoding = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity");
    if !essence.eq_ignore_ascii_case("application/json") || encoding {
        return Err(ApiError::UnsupportedMediaType);
    }
    Ok(())
}

pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let whole = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect());
    match whole.await.map_err(|_| ApiError::Slow)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(RequestError::TooLarge { limit }.into()),
        Err(_) => Err(ApiError::Torn),
    }
}

/// The response of a stream.
pub(crate) fn stream(body: LogBody) -> Response {
    let mut response = Response::new(Body::new(body));
    for (name, value) in ui_stream::STREAM_HEADERS {
        response.headers_mut().insert(name, http::HeaderValue::from_static(value));
    }
    response
}
