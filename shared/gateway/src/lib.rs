//! The model side: a prompt goes out, [`StreamPart`]s come in.
//!
//! Knows the AI Gateway's own protocol and OpenAI's Chat Completions, and alone knows HTTP clients. Knows nothing of browsers, of what becomes of the
//! parts, or of storage.

#[cfg(test)]
mod depth;
mod error;
mod gateway;
mod native;
mod openai;
mod part;
mod prompt;
mod protocol;
mod request;
mod retry;
mod silence;
mod sse;
mod stream;
mod usage;

pub use error::{GatewayError, PartError, TransportError};
pub use gateway::{Gateway, GatewayConfig, Model};
pub use part::{FileData, GeneratedFile, Source, SourceKind, StreamPart};
pub use prompt::{PartPath, Prompt, PromptError};
pub use protocol::{Protocol, UnknownProtocol};
pub use stream::PartStream;
