//! The functions' model gateway: a simulated one with scripted responses, and an independent
//! OpenAI-compatible server.

pub mod openai_server;
pub mod parts;
pub mod timed_responses;

pub use testing::gateway::{Call, Ended, Gate, Gateway, SentChunk, Step, responses};
