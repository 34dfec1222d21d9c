//! The ways in which a turn can end, with the text for the user and the stable name of each.

use front::error_chain;
use gateway::GatewayError;
use store::StoreError;
use ui_stream::OutOfOrder;

/// The way in which a turn ended.
pub(crate) enum Ending {
    /// The model finished, or reported an error of its own and then ended.
    Finished,
    /// The gateway failed before or during the answer.
    Broken(GatewayError),
    /// The gateway sent parts in an order that no client can read.
    OutOfOrder(OutOfOrder),
    /// The user stopped the answer or sent another message.
    Stopped,
    /// The answer exceeds the size limit.
    TooLong,
    /// The user's message could not be stored.
    NotSaved(StoreError),
    /// The deadline of the invocation was near.
    Deadline,
    /// The process is shutting down.
    Shutdown,
    /// The task panicked.
    Panicked,
}

/// The text for the client when the store fails.
pub(crate) const NOT_SAVED: &str =
    "The chat's storage cannot be reached, so this could not be saved. Please try again.";

impl Ending {
    /// Returns the text for the user, which helps and discloses nothing internal. `None`: nothing
    /// went wrong.
    pub(crate) fn user_text(&self) -> Option<&'static str> {
        Some(match self {
            Self::Finished | Self::Stopped => return None,
            Self::Broken(error) => gateway_text(error),
            Self::OutOfOrder(_) => {
                "The model's answer could not be read further. What came so far is kept."
            }
            Self::TooLong => "The answer is longer than can be kept. What came so far is kept.",
            Self::NotSaved(_) => NOT_SAVED,
            Self::Deadline => "The answer took longer than is allowed. What came so far is kept.",
            Self::Shutdown => "The answer was interrupted on our side. What came so far is kept.",
            Self::Panicked => "Something went wrong on our side. What came so far is kept.",
        })
    }

    /// Returns the underlying error with its causes, for the log.
    pub(crate) fn cause(&self) -> Option<String> {
        match self {
            Self::Broken(error) => Some(error_chain(error)),
            Self::NotSaved(error) => Some(error_chain(error)),
            Self::OutOfOrder(error) => {
                Some(format!("the gateway sent a {} out of order", error.part))
            }
            Self::Finished
            | Self::Stopped
            | Self::TooLong
            | Self::Deadline
            | Self::Shutdown
            | Self::Panicked => None,
        }
    }

    /// Returns a stable name for the log and the stored message. `None`: nothing went wrong.
    pub(crate) fn code(&self) -> Option<&'static str> {
        Some(match self {
            Self::Finished | Self::Stopped => return None,
            Self::Broken(error) => gateway_code(error),
            Self::OutOfOrder(_) => "gateway_out_of_order",
            Self::TooLong => "too_long",
            Self::NotSaved(_) => "message_not_saved",
            Self::Deadline => "deadline",
            Self::Shutdown => "shutdown",
            Self::Panicked => "panic",
        })
    }
}

fn gateway_code(error: &GatewayError) -> &'static str {
    match error {
        GatewayError::Refused { .. } => "gateway_refused",
        GatewayError::Unreachable(_) => "gateway_unreachable",
        GatewayError::FirstPartTimeout => "gateway_first_part_timeout",
        GatewayError::IdleTimeout => "gateway_idle_timeout",
        GatewayError::DeadlinePassed => "deadline",
        GatewayError::ConnectionLost(_) => "gateway_cut",
        GatewayError::Truncated => "gateway_truncated",
        GatewayError::BrokenPart(_) => "gateway_broken_part",
        GatewayError::Misconfigured(_) => "gateway_misconfigured",
    }
}

fn gateway_text(error: &GatewayError) -> &'static str {
    match error {
        GatewayError::Refused {
            status: 401 | 403, ..
        }
        | GatewayError::Misconfigured(_) => {
            "The model cannot be reached: this service is not set up correctly."
        }
        GatewayError::Refused { status: 402, .. } => {
            "The model cannot be reached: this service's credit is used up."
        }
        GatewayError::Refused { status: 404, .. } => "This model is not available.",
        GatewayError::Refused { status: 429, .. } => {
            "The model is busy. Please try again in a moment."
        }
        GatewayError::Refused {
            status: 400..=499, ..
        } => "The model did not accept this conversation.",
        GatewayError::Refused { .. } | GatewayError::Unreachable(_) => {
            "The model cannot be reached right now. Please try again in a moment."
        }
        GatewayError::FirstPartTimeout => "The model did not answer in time. Please try again.",
        GatewayError::IdleTimeout => "The model stopped answering. What came so far is kept.",
        GatewayError::DeadlinePassed => {
            "The answer took longer than is allowed. What came so far is kept."
        }
        GatewayError::ConnectionLost(_) | GatewayError::Truncated => {
            "The answer was cut off. What came so far is kept."
        }
        GatewayError::BrokenPart(_) => {
            "The model's answer could not be read further. What came so far is kept."
        }
    }
}
