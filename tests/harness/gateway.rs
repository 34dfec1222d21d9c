//! The functions' model gateway: a simulated one with scripted responses, and an independent
//! OpenAI-compatible server.

pub mod openai_server;
pub mod parts;
pub mod responses;
mod simulated;
pub mod timed_responses;

pub use simulated::{Call, Ended, Gate, Gateway, SentChunk, Step};
