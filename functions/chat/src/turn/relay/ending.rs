//! The ways in which a turn can end, and the chunks and the stored status of each.

use std::time::Duration;

use front::error_chain;
use gateway::GatewayError;
use json::{RawJson, unquoted};
use message::{AnswerMetadata, TokenUsage};
use serde::Deserialize;
use serde_json::value::RawValue;
use store::{Cost, Status, StoreError};
use ui_stream::{OutOfOrder, UiMessageChunk};

use super::Output;
use crate::turn::recorder::Record;

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
pub(super) const NOT_SAVED: &str =
    "The chat's storage cannot be reached, so this could not be saved. Please try again.";

impl Ending {
    /// Returns the text for the user, which helps and discloses nothing internal. `None`: nothing
    /// went wrong.
    fn user_text(&self) -> Option<&'static str> {
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

impl Output {
    /// Returns the chunks that end the stream, after applying them to the stored message.
    pub(super) fn close(&mut self, ending: &Ending) -> Vec<UiMessageChunk> {
        let Self {
            mapper, assembler, ..
        } = self;
        let mut chunks = Vec::new();
        let emit = |chunk: UiMessageChunk| {
            assembler.push(&chunk);
            chunks.push(chunk);
        };
        match ending.user_text() {
            None if matches!(ending, Ending::Stopped) => mapper.abort(emit),
            // Clients stop reading at the model's own error, so a second one would not reach them.
            Some(_) if mapper.has_failed() => mapper.finish(emit),
            Some(text) => mapper.fail(text, emit),
            None => mapper.finish(emit),
        }
        self.assembler.close_open_inputs();
        chunks
    }

    /// Returns whether the model reported an error. Clients stop reading there, so they lack any
    /// later output.
    fn has_model_error(&self) -> bool {
        self.mapper.has_failed() || self.mapper.ended_in_error()
    }

    /// Returns the record of the answer for the store.
    pub(super) fn record(&self, ending: &Ending, skipped_parts: u64, model: &str) -> Record {
        let error = ending
            .code()
            .or_else(|| self.has_model_error().then_some("model_error"));
        let status = match ending {
            Ending::Stopped => Status::Stopped,
            Ending::Deadline | Ending::Shutdown | Ending::Broken(GatewayError::DeadlinePassed) => {
                Status::Interrupted
            }
            _ if error.is_some() => Status::Failed,
            _ => Status::Completed,
        };
        let is_empty = self.assembler.is_empty();
        // An answer without output has no parts in the table, which is how readers recognise it.
        let parts = if is_empty && !self.is_continuation {
            &[]
        } else {
            self.assembler.parts()
        };
        Record {
            parts: serde_json::to_string(parts).expect("parts are always JSON"),
            is_empty,
            status,
            metadata: AnswerMetadata {
                usage: self.mapper.usage().and_then(TokenUsage::reported),
                finish_reason: self.mapper.reported_finish_reason(),
                raw_finish_reason: self.mapper.raw_finish_reason().map(truncate),
                latency_ms: Some(milliseconds(self.begun.elapsed())),
                ttft_ms: self.first_token.map(|at| milliseconds(at - self.begun)),
                aborted: Some(status == Status::Stopped),
                error: error.map(str::to_owned),
                ..AnswerMetadata::at_start(model, self.created_at_ms)
            },
            cost: self.mapper.provider_metadata().and_then(cost),
            skipped_parts,
        }
    }
}

/// Parses the cost that the gateway reports in USD: `{"gateway":{"cost":"0.0012"}}`. Skips
/// everything else, whatever its size.
pub(crate) fn cost(metadata: &RawJson) -> Option<Cost> {
    #[derive(Deserialize)]
    struct Metadata<'a> {
        #[serde(borrow)]
        gateway: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Gateway<'a> {
        #[serde(borrow)]
        cost: Option<&'a RawValue>,
    }
    let metadata: Metadata<'_> = serde_json::from_str(metadata.get()).ok()?;
    let gateway: Gateway<'_> = serde_json::from_str(metadata.gateway?.get()).ok()?;
    let cost = gateway.cost?.get();
    Cost::parse(unquoted(cost).as_deref().unwrap_or(cost))
}

/// Truncates a provider's text, which has no size limit.
fn truncate(text: &str) -> String {
    text.chars().take(256).collect()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_read_and_everything_else_is_skipped() {
        let deep = "[".repeat(50_000) + &"]".repeat(50_000);
        for (metadata, expected) in [
            (r#"{"gateway":{"cost":"0.0012"}}"#.to_owned(), Some(0.0012)),
            (r#"{"gateway":{"cost":0.5}}"#.to_owned(), Some(0.5)),
            (
                format!(r#"{{"other":{deep},"gateway":{{"other":{deep},"cost":"4e-7"}}}}"#),
                Some(4e-7),
            ),
            (r#"{"gateway":{"cost":null}}"#.to_owned(), None),
            (r#"{"gateway":{"cost":"free"}}"#.to_owned(), None),
            (r#"{"gateway":{"cost":-1}}"#.to_owned(), None),
            (format!(r#"{{"gateway":{{"cost":{deep}}}}}"#), None),
            (r#"{"gateway":[]}"#.to_owned(), None),
            (r#"{"openai":{"cost":1}}"#.to_owned(), None),
            ("[]".to_owned(), None),
        ] {
            let json = RawJson::new(RawValue::from_string(metadata.clone()).unwrap());
            assert_eq!(cost(&json).map(Cost::usd), expected, "{metadata:.80}");
        }
    }
}
