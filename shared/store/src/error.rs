//! The errors of the store, sorted by what a caller can do about them.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use message::StreamId;

/// The cause of a failure.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// A failed operation on the table. The client's own retries are spent already.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB throttled the request.
    #[error("{operation} was throttled")]
    Throttled {
        /// The operation, as AWS calls it.
        operation: &'static str,
        /// The error that the SDK reported.
        source: Cause,
    },
    /// There was no connection, no response in time, or a failure on DynamoDB's side.
    #[error("{operation} got no response")]
    Unavailable {
        /// The operation, as AWS calls it.
        operation: &'static str,
        /// The error that the SDK reported.
        source: Cause,
    },
    /// Concurrent writers won every attempt.
    #[error("{operation} lost against other writers")]
    Conflict {
        /// The operation, as AWS calls it.
        operation: &'static str,
    },
    /// An item exists but cannot be read.
    #[error("item {key} is corrupt")]
    Corrupt {
        /// `pk` and `sk` of the item.
        key: String,
        /// The damage.
        source: Cause,
    },
    /// DynamoDB rejected the request, which can never succeed as it is: too large, no rights, no
    /// table.
    #[error("{operation} was refused")]
    Refused {
        /// The operation, as AWS calls it.
        operation: &'static str,
        /// The reason, as the SDK or the store reported it.
        source: Cause,
    },
}

/// A refused or failed begin.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// A turn of another message is running, and must not be superseded.
    #[error("run {stream} of another message is still answering")]
    Busy {
        /// The run that answers it.
        stream: StreamId,
    },
    /// A message with the same id and other content was sent before.
    #[error("a message with this id was sent before with other content")]
    DifferentMessage,
    /// The user has reached the limit of turns begun in a day.
    #[error("daily turn limit reached")]
    TurnsPerDay {
        /// The time until the next day.
        retry_after: Duration,
    },
    /// The user has reached the limit of turns that run at once.
    #[error("parallel turn limit reached")]
    ParallelTurns {
        /// The time after which one of them may have ended.
        retry_after: Duration,
    },
    /// A request to DynamoDB failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoreError {
    /// Returns true if the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Unavailable { .. } | Self::Conflict { .. } => true,
            Self::Corrupt { .. } | Self::Refused { .. } => false,
        }
    }

    pub(crate) fn corrupt(pk: &str, sk: &str, cause: impl Into<Cause>) -> Self {
        Self::Corrupt {
            key: format!("{pk} / {sk}"),
            source: cause.into(),
        }
    }

    /// Classifies an error of the SDK by what a caller can do about it.
    pub(crate) fn of<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        match Kind::of(&error) {
            Kind::Throttled => Self::Throttled {
                operation,
                source: error.into(),
            },
            Kind::Unavailable => Self::Unavailable {
                operation,
                source: error.into(),
            },
            Kind::Conflict => Self::Conflict { operation },
            Kind::Refused => Self::Refused {
                operation,
                source: error.into(),
            },
        }
    }
}

enum Kind {
    Throttled,
    Unavailable,
    Conflict,
    Refused,
}

impl Kind {
    fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        match error {
            SdkError::ServiceError(answer) => {
                Self::of_answer(answer.err().code(), answer.raw().status().as_u16())
            }
            SdkError::ConstructionFailure(_) => Self::Refused,
            // No connection, no keys, no time, or bytes that are not an answer.
            _ => Self::Unavailable,
        }
    }

    /// Classifies an error by the codes of the DynamoDB Developer Guide, "Error handling with
    /// DynamoDB".
    fn of_answer(code: Option<&str>, status: u16) -> Self {
        let Some(code) = code else {
            // The response is not DynamoDB's.
            return Self::Unavailable;
        };
        match code {
            "ThrottlingException"
            | "Throttling"
            | "ProvisionedThroughputExceededException"
            | "RequestLimitExceeded" => Self::Throttled,
            "ConditionalCheckFailedException"
            | "TransactionConflictException"
            | "ReplicatedWriteConflictException" => Self::Conflict,
            _ if status >= 500 => Self::Unavailable,
            _ => Self::Refused,
        }
    }
}
