//! Refusals and their mapping to HTTP.

use axum::response::{IntoResponse, Response};
use front::{AccessError, AuthenticationError, BodyError, Refusal};
use http::StatusCode;
use json::Invalid;
use session::SessionError;
use store::StoreError;

/// The reason for refusing a request. The message is for people; the code is for programs and stays
/// stable.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::VariantNames, strum::IntoStaticStr))]
pub(crate) enum ApiError {
    #[error("This address does not exist.")]
    NotFound,
    #[error("There is no such conversation.")]
    NoThread,
    #[error("This address does not support this method.")]
    MethodNotAllowed,
    #[error("Please sign in.")]
    Unauthorized(#[source] SessionError),
    #[error("This page may not use the chat.")]
    Forbidden(#[source] AccessError),
    #[error("The request's content-type must be application/json, without content-encoding.")]
    UnsupportedMediaType,
    #[error("request body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("The request took too long to arrive.")]
    RequestTimeout,
    #[error("The request ended before its body was complete.")]
    IncompleteBody,
    #[error("request body cannot be read as JSON")]
    NotJson(#[source] serde_json::Error),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("The chat's storage cannot be reached. Please try again in a moment.")]
    Store(#[from] StoreError),
}

impl ApiError {
    /// Maps a refusal to its HTTP status and stable code. No other place does.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound | Self::NoThread => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "bad_origin"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::IncompleteBody => (StatusCode::BAD_REQUEST, "incomplete_body"),
            Self::NotJson(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Store(error) if error.is_retryable() => {
                (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
            }
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store_error"),
        }
    }

    /// Returns the number of seconds after which a retry may succeed.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Store(error) if error.is_retryable() => Some(2),
            _ => None,
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
            BodyError::TooLarge { limit } => Self::TooLarge { limit },
            BodyError::RequestTimeout => Self::RequestTimeout,
            BodyError::IncompleteBody => Self::IncompleteBody,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        Refusal::new(&self, status, code)
            .with_retry_after(self.retry_after())
            .into_response()
    }
}
