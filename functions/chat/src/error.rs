//! Refusals: the errors that end a request before its stream begins.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use front::{FrontError, Refusal};
use http::StatusCode;
use message::StreamId;
use store::{BeginError, StoreError};
use validation::RequestError;

/// The reason for refusing a request. `useChat` shows the message to the user; the code is for
/// programs and stays stable.
#[derive(Debug, thiserror::Error)]
#[cfg_attr(test, derive(strum::VariantNames, strum::IntoStaticStr))]
pub(crate) enum ApiError {
    #[error(transparent)]
    Front(#[from] FrontError),
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
    #[error("Something went wrong on our side. Please try again.")]
    Internal,
}

impl ApiError {
    /// Maps a refusal to its HTTP status and stable code.
    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Front(error) => error.status_and_code(),
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
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal_error"),
        }
    }

    /// Returns the number of seconds after which a retry may succeed.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Front(error) => error.retry_after(),
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

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        FrontError::from(error).into()
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
            BeginError::Store(error) => error.into(),
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
