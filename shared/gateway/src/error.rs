//! The failures of a model call, at its start or half-way.

use std::time::Duration;

/// A model call that failed, at its start or half-way. Holds no key, no prompt and nothing of a peer's text but the
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
    Cut(#[source] TransportError),
    /// The gateway sent something that is no stream part.
    #[error("gateway sent a part that cannot be read")]
    BrokenPart(#[source] PartError),
    /// The stream ended in good order, but without a `finish` part, or in the other protocol without a reason for
    /// stopping; or the answer was no event stream at all.
    #[error("gateway ended the stream before the model was done")]
    Truncated,
    /// The time for this turn is over.
    #[error("deadline passed during the model call")]
    DeadlinePassed,
    /// The gateway cannot be called like this, now or later; names the setting.
    #[error("{0}")]
    Misconfigured(&'static str),
}

impl GatewayError {
    /// Returns true if the same call may succeed a little later, and no part of an answer has been seen.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Refused { status, .. } => matches!(status, 408 | 409 | 429 | 500..),
            Self::Unreachable(_) => true,
            Self::FirstPartTimeout
            | Self::IdleTimeout
            | Self::Cut(_)
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

/// An event that is no stream part.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// The event is not JSON.
    #[error("event is not JSON")]
    Json(#[source] serde_json::Error),
    /// The event has a key that reaches into JavaScript's prototypes.
    #[error("event has a key that no JSON object may have")]
    ForbiddenKey,
    /// A field without which the part makes no sense.
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
    fn only_what_may_pass_by_itself_is_retryable() {
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
