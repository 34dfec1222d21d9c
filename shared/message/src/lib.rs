//! The vocabulary every other crate speaks: ids, texts, messages as `useChat` holds them, token usage.
//!
//! Knows the AI SDK's names and their JSON. Knows nothing of HTTP, models or storage.

mod finish;
mod ids;
mod json;
mod metadata;
mod object;
mod part;
mod ui_message;

pub use finish::{FinishReason, InputTokens, OutputTokens, UnifiedFinishReason, Usage};
pub use ids::{InvalidId, MessageId, StreamId, ThreadId, UserId};
pub use json::{JsonText, RawJson};
pub use metadata::{AnswerMetadata, InputTokenDetails, OutputTokenDetails, TokenUsage};
pub use object::{Invalid, Object};
pub use part::{Approval, PartState, ToolPart, ToolState, UiPart};
pub use ui_message::{Role, UiMessage, extract_text_content};
