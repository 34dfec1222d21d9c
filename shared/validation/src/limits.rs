//! The limits of one request.

/// The maximum sizes of a request.
///
/// There is no separate limit for one text, one file or one
/// message: each may be as long as the body, since a client that pastes a book or attaches a
/// picture sends just one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The size of the body in bytes. Default 6,225,920: the 6 MiB of a Lambda event less 64 KiB
    /// for the rest of the event.
    pub max_body_bytes: usize,
    /// The nesting depth of objects and arrays. The body itself is the first level, and ignored
    /// fields are included. Default 32, which is also the limit of DynamoDB; the input of a tool
    /// begins at the sixth level.
    pub max_depth: usize,
    /// The length of one number as written, in bytes. Default 128; JavaScript never writes more
    /// than 25.
    pub max_number_bytes: usize,
    /// The number of messages. Default 200.
    pub max_messages: usize,
    /// The number of parts of one message of the user. Default 64.
    pub max_user_parts: usize,
    /// The number of parts of one message of the assistant, those inside of steering messages
    /// included. Default 1,000: an agent's answer has several parts for each of its steps.
    pub max_assistant_parts: usize,
    /// The number of parts of all messages, counted in the same way. Default 10,000, which bounds
    /// the memory that a body of tiny parts takes.
    pub max_total_parts: usize,
    /// The length of an `https:` URL in bytes. Default 2,048. A `data:` URL is bounded by the body.
    pub max_url_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 6 * 1024 * 1024 - 64 * 1024,
            max_depth: 32,
            max_number_bytes: 128,
            max_messages: 200,
            max_user_parts: 64,
            max_assistant_parts: 1_000,
            max_total_parts: 10_000,
            max_url_bytes: 2_048,
        }
    }
}
