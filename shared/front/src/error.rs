//! The refusals that every function may make, and their mapping to HTTP.

use http::StatusCode;
use session::SessionError;
use store::StoreError;

use crate::AccessError;

/// The reason for refusing a request, whichever function got it. The message is for people; the
/// code is for programs and stays stable.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(strum::VariantNames, strum::IntoStaticStr))]
pub enum FrontError {
    /// No route has this path.
    #[error("This address does not exist.")]
    NotFound,
    /// The route of this path does not have this method.
    #[error("This address does not support this method.")]
    MethodNotAllowed,
    /// The request has no valid session.
    #[error("Please sign in.")]
    Unauthorized(#[source] SessionError),
    /// The page may not use the user's cookie.
    #[error("This page may not use the chat.")]
    Forbidden(#[source] AccessError),
    /// The headers do not declare the body as uncompressed JSON.
    #[error("The request's content-type must be application/json, without content-encoding.")]
    UnsupportedMediaType,
    /// The body is longer than allowed.
    #[error("request body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body did not arrive in time.
    #[error("The request took too long to arrive.")]
    RequestTimeout,
    /// The connection ended before the body was complete.
    #[error("The request ended before its body was complete.")]
    IncompleteBody,
    /// DynamoDB failed.
    #[error("The chat's storage cannot be reached. Please try again in a moment.")]
    Store(#[from] StoreError),
}

impl FrontError {
    /// Maps a refusal to its HTTP status and stable code.
    pub fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "unauthorized"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "bad_origin"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type")
            }
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large"),
            Self::RequestTimeout => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
            Self::IncompleteBody => (StatusCode::BAD_REQUEST, "incomplete_body"),
            Self::Store(error) if error.is_retryable() => {
                (StatusCode::SERVICE_UNAVAILABLE, "store_unavailable")
            }
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "store_error"),
        }
    }

    /// Returns the number of seconds after which a retry may succeed.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Store(error) if error.is_retryable() => Some(2),
            _ => None,
        }
    }
}
