//! The common types of all crates: ids, messages as `useChat` holds them, the parts of a model's
//! answer, token usage.
//!
//! Knows the AI SDK's names and their JSON, but nothing of HTTP, gateways or storage.

mod finish;
mod ids;
mod metadata;
#[cfg(feature = "openapi")]
pub mod openapi;
mod part;
mod stream_part;
mod ui_message;

pub use finish::{FinishReason, InputTokens, OutputTokens, UnifiedFinishReason, Usage};
pub use ids::{InvalidId, MessageId, StreamId, ThreadId, UserId};
pub use metadata::{AnswerMetadata, InputTokenDetails, OutputTokenDetails, TokenUsage};
pub use part::{Approval, PartState, ToolPart, ToolState, UiPart};
pub use stream_part::{FileData, GeneratedFile, Source, SourceKind, StreamPart};
pub use ui_message::{Role, UiMessage, extract_text_content};
