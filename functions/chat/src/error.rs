//! Refusals: the errors that end a request before its stream begins.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use front::{AccessError, AuthenticationError, BodyError, Refusal};
use http::StatusCode;
use message::StreamId;
use session::SessionError;
use store::{BeginError, StoreError};
use validation::RequestError;

/// The reason for refusing a request. `useChat` shows the message to the user; the code is for
/// programs and stays stable.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::VariantNames, strum::IntoStaticStr))]
pub(crate) enum ApiError {
    #[error("This address does not exist.")]
    NotFound,
    #[error("This address does not support this method.")]
    MethodNotAllowed,
    #[error("Please sign in.")]
    Unauthorized(#[source] SessionError),
    #[error("This page may not use the chat.")]
    Forbidden(#[source] AccessError),
    #[error("The request's content-type must be application/json, without content-encoding.")]
    UnsupportedMediaType,
    #[error("The request took too long to arrive.")]
    RequestTimeout,
    #[error("The request ended before its body was complete.")]
    IncompleteBody,
    #[error("{0}")]
    BadRequest(RequestError),
    #[error("{0}")]
    BadPrompt(#[from] gateway::PromptError),
    #[error("model: {0:?} is not one of the models of this service")]
    UnknownModel(String),
    #[error("{}", in_progress_text(*.same_message))]
    TurnInProgress {
        stream: StreamId,
        same_message: bool,
    },
    #[error("message: another message was already sent under this id")]
    DifferentMessage,
    #[error("You have reached today's limit of messages. Please come back tomorrow.")]
    TurnsPerDay { retry_after: Duration },
    #[error(
        "Too many of your conversations are being answered at once. Please wait for one to end."
    )]
    ParallelTurns { retry_after: Duration },
    #[error("The chat's storage cannot be reached. Please try again in a moment.")]
    Store(#[from] StoreError),
    #[error("Something went wrong on our side. Please try again.")]
    Internal,
}

impl ApiError {
    /// Maps a refusal to its HTTP status and stable code. No other place does.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "bad_origin"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::IncompleteBody => (StatusCode::BAD_REQUEST, "incomplete_body"),
            Self::BadRequest(error @ RequestError::TooLarge { .. }) => {
                (StatusCode::PAYLOAD_TOO_LARGE, error.code())
            }
            Self::BadRequest(error) => (StatusCode::BAD_REQUEST, error.code()),
            Self::BadPrompt(_) => (StatusCode::BAD_REQUEST, "invalid_prompt"),
            Self::UnknownModel(_) => (StatusCode::BAD_REQUEST, "unknown_model"),
            Self::TurnInProgress { .. } => (StatusCode::CONFLICT, "turn_in_progress"),
            Self::DifferentMessage => (StatusCode::CONFLICT, "message_conflict"),
            Self::TurnsPerDay { .. } => (StatusCode::TOO_MANY_REQUESTS, "turns_per_day"),
            Self::ParallelTurns { .. } => (StatusCode::TOO_MANY_REQUESTS, "parallel_turns"),
            Self::Store(error) if error.is_retryable() => {
                (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
            }
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store_error"),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }
}

impl ApiError {
    /// Returns the number of seconds after which a retry may succeed.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Store(error) if error.is_retryable() => Some(2),
            Self::TurnsPerDay { retry_after } | Self::ParallelTurns { retry_after } => {
                Some(retry_after.as_secs().max(1))
            }
            _ => None,
        }
    }
}

fn in_progress_text(same_message: bool) -> &'static str {
    if same_message {
        "This message is already being answered."
    } else {
        "Another message of this conversation is being answered. Wait for it, or stop it."
    }
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        Self::BadRequest(error)
    }
}

impl From<BeginError> for ApiError {
    fn from(error: BeginError) -> Self {
        match error {
            BeginError::Busy { stream } => Self::TurnInProgress {
                stream,
                same_message: false,
            },
            BeginError::DifferentMessage => Self::DifferentMessage,
            BeginError::TurnsPerDay { retry_after } => Self::TurnsPerDay { retry_after },
            BeginError::ParallelTurns { retry_after } => Self::ParallelTurns { retry_after },
            BeginError::Store(error) => Self::Store(error),
        }
    }
}

impl From<AuthenticationError> for ApiError {
    fn from(error: AuthenticationError) -> Self {
        match error {
            AuthenticationError::Unauthorized(error) => Self::Unauthorized(error),
            AuthenticationError::Forbidden(error) => Self::Forbidden(error),
            AuthenticationError::Store(error) => Self::Store(error),
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit } => RequestError::TooLarge { limit }.into(),
            BodyError::RequestTimeout => Self::RequestTimeout,
            BodyError::IncompleteBody => Self::IncompleteBody,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let mut refusal = Refusal::new(&self, status, code).with_retry_after(self.retry_after());
        if let Self::TurnInProgress { stream, .. } = &self {
            refusal = refusal.with_field("streamId", stream.as_str());
        }
        refusal.into_response()
    }
}
