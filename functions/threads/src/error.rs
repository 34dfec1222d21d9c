//! Refusals and their mapping to HTTP.

use axum::response::{IntoResponse, Response};
use front::{FrontError, Refusal};
use http::StatusCode;
use json::Invalid;
use store::StoreError;

/// The reason for refusing a request. The message is for people; the code is for programs and stays
/// stable.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::VariantNames, strum::IntoStaticStr))]
pub(crate) enum ApiError {
    #[error(transparent)]
    Front(#[from] FrontError),
    #[error("There is no such conversation.")]
    NoThread,
    #[error("request body cannot be read as JSON")]
    NotJson(#[source] serde_json::Error),
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl ApiError {
    /// Maps a refusal to its HTTP status and stable code.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Front(error) => error.status_and_code(),
            Self::NoThread => (StatusCode::NOT_FOUND, "not_found"),
            Self::NotJson(_) => (StatusCode::BAD_REQUEST, "invalid_json"),
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        FrontError::from(error).into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        let retry_after = match &self {
            Self::Front(error) => error.retry_after(),
            Self::NoThread | Self::NotJson(_) | Self::Invalid(_) => None,
        };
        Refusal::new(&self, status, code)
            .with_retry_after(retry_after)
            .into_response()
    }
}
