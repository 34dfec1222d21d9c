//! The model side: a prompt goes out, [`StreamPart`]s come in.
//!
//! Knows the AI Gateway's own protocol, and alone knows HTTP clients. Knows nothing of browsers, of what becomes of the
//! parts, or of storage.

mod error;
mod gateway;
mod keys;
mod native;
mod part;
mod prompt;
mod request;
mod retry;
#[cfg(test)]
mod scripted;
mod silence;
mod sse;
mod stream;
mod token;
mod usage;

pub use error::{GatewayError, PartError, TransportError};
pub use gateway::{Gateway, GatewayConfig, Model};
pub use part::{FileData, GeneratedFile, StreamPart};
pub use prompt::{PartPath, Prompt, PromptError};
pub use stream::PartStream;
