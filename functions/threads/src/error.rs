//! Refusals.

use axum::response::{IntoResponse, Response};
use front::{AccessError, AuthenticationError, BodyError, Refusal};
use http::StatusCode;
use message::Invalid;
use session::SessionError;
use store::StoreError;

/// Why a request is refused. The message is for people, the code is for programs and stays.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::VariantNames, strum::IntoStaticStr))]
pub(crate) enum ApiError {
    #[error("There is nothing at this address.")]
    NotFound,
    #[error("There is no such conversation.")]
    NoThread,
    #[error("This address does not take this method.")]
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
    Slow,
    #[error("The request ended before its body was whole.")]
    Torn,
    #[error("request body cannot be read as JSON")]
    NotJson(#[source] serde_json::Error),
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("The chat's memory cannot be reached. Please try again in a moment.")]
    Store(#[from] StoreError),
}

impl ApiError {
    /// The only place where a refusal meets HTTP.
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
            Self::Slow => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::Torn => (StatusCode::BAD_REQUEST, "incomplete_body"),
            Self::NotJson(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Store(error) if error.is_retryable() => {
                (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
            }
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store_error"),
        }
    }

    /// After how many seconds it may be worth trying again.
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
            BodyError::Slow => Self::Slow,
            BodyError::Torn => Self::Torn,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        Refusal::of(&self, status, code)
            .retry_after(self.retry_after())
            .into_response()
    }
}
