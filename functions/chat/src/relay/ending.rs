//! The ways a turn can end, and what the client and the store are told of each.

use std::time::Duration;

use front::failure;
use gateway::GatewayError;
use message::{AnswerMetadata, RawJson, TokenUsage, unquoted};
use serde::Deserialize;
use serde_json::value::RawValue;
use store::{Cost, Status, StoreError};
use ui_stream::{OutOfOrder, UiMessageChunk};

use super::Output;
use crate::recorder::Record;

/// How a turn ended.
pub(crate) enum Ending {
    /// The model was done, or had reported an error of its own and said no more.
    Finished,
    /// The gateway gave no answer, or gave up half-way.
    Broken(GatewayError),
    /// The gateway sent something that no client could have read.
    OutOfOrder(OutOfOrder),
    /// The user stopped the answer, or asked for another.
    Stopped,
    /// The answer is longer than any that can be kept.
    TooLong,
    /// The user's message could not be put.
    NotSaved(StoreError),
    /// The time of the invocation was nearly up.
    Deadline,
    /// The process was asked to go.
    Shutdown,
    /// A bug.
    Panicked,
}

/// For the client, when the store does not take what it has to.
pub(super) const NOT_SAVED: &str =
    "The chat's memory cannot be reached, so this could not be saved. Please try again.";

impl Ending {
    /// What the user is told, in words that help and give nothing away. `None`: nothing went wrong.
    fn text(&self) -> Option<&'static str> {
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

    /// The error behind it, with its causes, for the log.
    pub(crate) fn cause(&self) -> Option<String> {
        match self {
            Self::Broken(error) => Some(failure::chain(error)),
            Self::NotSaved(error) => Some(failure::chain(error)),
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

    /// A stable name for the log and the stored message. `None`: nothing went wrong.
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
        GatewayError::Cut(_) => "gateway_cut",
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
        GatewayError::Cut(_) | GatewayError::Truncated => {
            "The answer was cut off. What came so far is kept."
        }
        GatewayError::BrokenPart(_) => {
            "The model's answer could not be read further. What came so far is kept."
        }
    }
}

impl Output {
    /// The chunks that end the stream, which the stored message heeds too.
    pub(super) fn close(&mut self, ending: &Ending) -> Vec<UiMessageChunk> {
        let Self {
            mapper, assembler, ..
        } = self;
        let mut chunks = Vec::new();
        let emit = |chunk: UiMessageChunk| {
            assembler.push(&chunk);
            chunks.push(chunk);
        };
        match ending.text() {
            None if matches!(ending, Ending::Stopped) => mapper.abort(emit),
            // The client has read the model's own error and stopped there: a second one would tell it nothing.
            Some(_) if mapper.has_failed() => mapper.finish(emit),
            Some(text) => mapper.fail(text, emit),
            None => mapper.finish(emit),
        }
        self.assembler.close_open_inputs();
        chunks
    }

    /// The client stops reading at an error, so it does not have an answer that goes on after one.
    fn has_model_error(&self) -> bool {
        self.mapper.has_failed() || self.mapper.ended_in_error()
    }

    /// What is stored of the answer.
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
        // An answer without a word has no parts in the table, so that everybody can tell.
        let parts = if is_empty && !self.goes_on {
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
                raw_finish_reason: self.mapper.raw_finish_reason().map(cut),
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

/// Reads what the gateway says the call cost, in USD: `{"gateway":{"cost":"0.0012"}}`. All else is skipped, however much
/// it is.
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

/// The provider's text has no bound of its own.
fn cut(text: &str) -> String {
    text.chars().take(256).collect()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cost_is_read_and_everything_beside_it_is_skipped() {
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
