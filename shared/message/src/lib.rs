//! The common types of all crates: ids, texts, messages as `useChat` holds them, token usage. Also
//! contains checks of JSON that is passed on unparsed.
//!
//! Knows the AI SDK's names and their JSON, but nothing of HTTP, models or storage.

mod finish;
mod ids;
mod json;
mod keys;
mod metadata;
mod object;
#[cfg(feature = "openapi")]
pub mod openapi;
mod part;
mod token;
mod ui_message;

pub use finish::{FinishReason, InputTokens, OutputTokens, UnifiedFinishReason, Usage};
pub use ids::{InvalidId, MessageId, StreamId, ThreadId, UserId};
pub use json::{JsonText, RawJson};
pub use keys::has_forbidden_key;
pub use metadata::{AnswerMetadata, InputTokenDetails, OutputTokenDetails, TokenUsage};
pub use object::{Invalid, Object, array_items, object_fields};
pub use part::{Approval, PartState, ToolPart, ToolState, UiPart};
pub use token::{JsonToken, has_number_out_of_range, is_out_of_range, json_tokens, unquoted};
pub use ui_message::{Role, UiMessage, extract_text_content};
