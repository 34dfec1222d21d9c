//! Conversion of the model's stream parts into the chunks that the browser reads and the message
//! that is stored.
//!
//! [`StreamMapper`] turns parts into chunks, [`UiMessageChunk::encode`] turns chunks into bytes of
//! the stream, and [`MessageAssembler`] turns chunks into the message that the client holds at the
//! end. In the other direction, [`replay`] turns a stored message into chunks, and
//! [`UiMessageChunk::decode_all`] parses bytes, which [`compact`] may have reduced. No clock, no
//! I/O: the crate does not know where parts come from or where bytes go.

mod assembler;
mod chunk;
mod compact;
mod decode;
mod events;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod generated;
mod mapper;
#[cfg(feature = "openapi")]
mod openapi;
mod replay;
mod tool_input;

pub use assembler::MessageAssembler;
pub use chunk::UiMessageChunk;
pub use compact::compact;
pub use mapper::{OutOfOrder, StreamMapper};
pub use replay::{ReplayEnd, replay};

/// The response headers of a UI message stream, as the AI SDK sends them.
pub const STREAM_HEADERS: [(&str, &str); 4] = [
    ("content-type", "text/event-stream"),
    ("cache-control", "no-cache"),
    ("x-vercel-ai-ui-message-stream", "v1"),
    ("x-accel-buffering", "no"),
];

/// The maximum size of the stream of one answer in bytes. It protects the process from a gateway
/// that never stops: at the end an answer is in memory about five times, and the function has 128
/// MB.
pub const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// The event that ends every stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// A comment that clients skip, sent to keep idle connections from being cut.
pub const PING: &[u8] = b": ping\n\n";
