//! The record of a turn: what the store keeps of its answer.

use message::{AnswerMetadata, TokenUsage};
use store::{Cost, Status, TurnUsage};

/// The final state of an answer.
pub(crate) struct Record {
    pub(crate) parts: String,
    /// Set when the model produced no output.
    pub(crate) is_empty: bool,
    pub(crate) status: Status,
    pub(crate) metadata: AnswerMetadata,
    /// The cost of the call as the gateway reports it.
    pub(crate) cost: Option<Cost>,
    pub(crate) skipped_parts: u64,
}

impl Record {
    /// Returns the usage and the cost in the store's form.
    pub(crate) fn usage(&self) -> TurnUsage {
        to_turn_usage(self.metadata.usage, self.cost)
    }
}

/// Converts the usage and cost of a call into the store's form.
pub(crate) fn to_turn_usage(usage: Option<TokenUsage>, cost: Option<Cost>) -> TurnUsage {
    let usage = usage.unwrap_or_default();
    TurnUsage {
        input: usage.input_tokens,
        output: usage.output_tokens,
        cached: usage.input_token_details.cache_read_tokens,
        reasoning: usage.output_token_details.reasoning_tokens,
        cost,
    }
}
