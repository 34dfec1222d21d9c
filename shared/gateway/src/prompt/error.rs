//! The errors of prompts.

use std::fmt;

/// A conversation that cannot be sent to a model. Displayed as `field: problem`; always the
/// client's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// No message has any content.
    #[error("messages: must hold something to send to the model")]
    Empty,
    /// A file's URL cannot be used; `problem` continues "must".
    #[error("{part}.url: must {problem}")]
    FileUrl {
        part: PartPath,
        problem: &'static str,
    },
    /// The type of the file is not known.
    #[error("{part}.mediaType: must be given, for example \"image/png\"")]
    MediaType { part: PartPath },
    /// Models cannot receive files of this kind.
    #[error(
        "{part}.mediaType: must be that of an image, a video, a text, a PDF, or audio as WAV or MP3"
    )]
    UnsupportedFile { part: PartPath },
    /// The protocol cannot refer to files that a provider holds.
    #[error("{part}.providerReference: must be left out: models can be given files by URL only")]
    FileReference { part: PartPath },
    /// A tool call has no result.
    #[error("{part}: must have a result: a tool call without one cannot be sent to the model")]
    MissingResult { part: PartPath },
    /// A response to an approval request that does not exist.
    #[error("{part}.approval: must belong to a tool call with a complete input")]
    UnknownApproval { part: PartPath },
}

/// The position of a part in the list of messages, as `messages[2].parts[0]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartPath {
    /// The index of the message.
    pub message: usize,
    /// The index of the part in its message.
    pub part: usize,
}

impl fmt::Display for PartPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "messages[{}].parts[{}]", self.message, self.part)
    }
}
