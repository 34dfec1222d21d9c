//! From the model's parts to what the browser reads, and to the message that is stored.
//!
//! [`StreamMapper`] turns parts into chunks, [`UiMessageChunk::encode`] chunks into bytes of the stream,
//! [`MessageAssembler`] chunks into the message that the client holds in the end. And back: [`replay`] turns a stored
//! message into chunks, [`UiMessageChunk::decode_all`] bytes, which [`compact`] may have made fewer. No clock, no I/O:
//! nothing here knows where parts come from or bytes go to.

mod assembler;
mod chunk;
mod compact;
mod decode;
mod events;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod generated;
#[cfg(feature = "mapper")]
mod mapper;
#[cfg(feature = "openapi")]
mod openapi;
mod replay;
mod tool_input;

pub use assembler::MessageAssembler;
pub use chunk::UiMessageChunk;
pub use compact::compact;
#[cfg(feature = "mapper")]
pub use mapper::{OutOfOrder, StreamMapper};
pub use replay::{ReplayEnd, replay, replay_onto};

/// The response headers of a UI message stream, as the AI SDK sends them.
pub const STREAM_HEADERS: [(&str, &str); 4] = [
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache"),
    ("x-vercel-ai-ui-message-stream", "v1"),
    ("x-accel-buffering", "no"),
];

/// The most bytes of stream that one answer may make. A gateway that never stops must not take the process with it: in
/// the end an answer stands in memory about five times, and the function has 128 MB.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// What ends every stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// A comment, which clients skip, for connections that are cut when nothing moves.
pub const PING: &[u8] = b": ping\n\n";
