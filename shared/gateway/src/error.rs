//! The errors of model calls.

use std::time::Duration;

/// A failed or interrupted model call. Contains no key, no prompt, and no text of a peer but the
/// name of an error's kind.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The gateway answered with a status other than 2xx.
    #[error("gateway refused the request with status {status}")]
    Refused {
        status: u16,
        /// The gateway's `error.type`, such as `rate_limit_exceeded`.
        kind: Option<String>,
        /// The time that the gateway asks to wait, unbounded.
        retry_after: Option<Duration>,
    },
    /// There was no connection, or it broke before the gateway answered.
    #[error("gateway cannot be reached")]
    Unreachable(#[source] TransportError),
    /// The gateway was silent before the model's first part.
    #[error("gateway was silent for too long before the first part")]
    FirstPartTimeout,
    /// The gateway fell silent between two parts.
    #[error("gateway was silent for too long between two parts")]
    IdleTimeout,
    /// The connection broke in mid-stream.
    #[error("connection to the gateway broke in mid-stream")]
    ConnectionLost(#[source] TransportError),
    /// The gateway sent an event that is not a stream part.
    #[error("gateway sent a part that cannot be read")]
    BrokenPart(#[source] PartError),
    /// The stream ended in good order, but without a `finish` part (in Chat Completions without a
    /// finish reason), or the response was not an event stream.
    #[error("gateway ended the stream before the model was done")]
    Truncated,
    /// The deadline of the turn has passed.
    #[error("deadline passed during the model call")]
    DeadlinePassed,
    /// The gateway cannot be called with this configuration; names the setting.
    #[error("{0}")]
    Misconfigured(&'static str),
}

impl GatewayError {
    /// Returns true if the same call may succeed a little later, and no part of an answer has come.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 408 | 409 | 429 | 500..),
            Self::Unreachable(_) => true,
            Self::FirstPartTimeout
            | Self::IdleTimeout
            | Self::ConnectionLost(_)
            | Self::BrokenPart(_)
            | Self::Truncated
            | Self::DeadlinePassed
            | Self::Misconfigured(_) => false,
        }
    }
}

/// A failure of the connection, without the address.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TransportError(reqwest::Error);

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        Self(error.without_url())
    }
}

/// An event that is not a stream part.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The event is not JSON.
    #[error("event is not JSON")]
    Json(#[source] serde_json::Error),
    /// The event has a key that reaches into JavaScript's prototypes.
    #[error("event has a key that no JSON object may have")]
    ForbiddenKey,
    /// A required field is absent or has the wrong type.
    #[error("{part} part without a proper {field}")]
    Field { part: String, field: &'static str },
    /// The event is larger than any answer of a model.
    #[error("event is over {limit_bytes} bytes")]
    TooLarge { limit_bytes: usize },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_temporary_errors_are_retryable() {
        let refused = |status| GatewayError::Refused {
            status,
            kind: None,
            retry_after: None,
        };
        for status in [408, 409, 429, 500, 502, 503, 529, 599] {
            assert!(refused(status).is_retryable(), "{status}");
        }
        for status in [300, 302, 400, 401, 402, 403, 404, 410, 413, 422, 499] {
            assert!(!refused(status).is_retryable(), "{status}");
        }
        assert!(!GatewayError::FirstPartTimeout.is_retryable());
        assert!(!GatewayError::Truncated.is_retryable());
    }
}
