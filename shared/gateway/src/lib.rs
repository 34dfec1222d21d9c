//! The client of the model's gateway: sends a prompt, receives [`message::StreamPart`]s.
//!
//! Knows the AI Gateway's own protocol and OpenAI's Chat Completions, and is the only crate that
//! knows an HTTP client. Knows nothing of browsers, of the use of the parts, or of storage.

mod adapter;
mod client;
#[cfg(test)]
mod depth;
mod error;
mod idle_timer;
mod native;
mod openai;
mod prompt;
mod protocol;
mod request;
mod retry;
mod sse;
mod stream;

pub use client::{Gateway, GatewayConfig, Model};
pub use error::{GatewayError, PartError, TransportError};
pub use prompt::{PartPath, Prompt, PromptError};
pub use protocol::{Protocol, UnknownProtocol};
pub use stream::PartStream;
