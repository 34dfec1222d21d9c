//! How much one request may hold.

/// The most a request may hold. There is no limit of its own for one text, one file or one message: each may be
/// as long as the body, since a client that pastes a book or attaches a picture sends just one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the body. Default 6,225,920: the 6 MiB of a Lambda event less 64 KiB for the rest of the event.
    pub max_body_bytes: usize,
    /// Objects and arrays inside each other, the body itself being the first, ignored fields included. Default 32,
    /// which is also what DynamoDB takes; the input of a tool starts at the sixth level.
    pub max_depth: usize,
    /// Bytes of one number as it is written. Default 128; JavaScript never writes more than 25.
    pub max_number_bytes: usize,
    /// Messages. Default 200.
    pub max_messages: usize,
    /// Parts of one message of the user. Default 64.
    pub max_user_parts: usize,
    /// Parts of one message of the assistant, those inside of steering-messages included. Default 1,000: an agent's
    /// answer has some for each of its steps.
    pub max_assistant_parts: usize,
    /// Parts of all messages, counted alike. Default 10,000, which bounds what a body of tiny parts costs in memory.
    pub max_total_parts: usize,
    /// Bytes of an `https:` URL. Default 2,048. A `data:` URL is bounded by the body.
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
