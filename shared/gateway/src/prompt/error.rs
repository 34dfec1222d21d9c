//! The reasons for which a conversation cannot be sent to a model.

use std::fmt;

/// A conversation that cannot be sent to a model. Written as `field: what is wrong`; always the client's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// No message says anything.
    #[error("messages: must hold something to send to the model")]
    Empty,
    /// A file's URL cannot be used; `problem` reads on from "must".
    #[error("{part}.url: must {problem}")]
    FileUrl {
        part: PartPath,
        problem: &'static str,
    },
    /// The type of the file is not known.
    #[error("{part}.mediaType: must be given, for example \"image/png\"")]
    MediaType { part: PartPath },
    /// The model side has no form for files of this kind.
    #[error(
        "{part}.mediaType: must be that of an image, a video, a text, a PDF, or audio as WAV or MP3"
    )]
    UnsupportedFile { part: PartPath },
    /// The protocol has no form for files that a provider holds.
    #[error("{part}.providerReference: must be left out: models can be given files by URL only")]
    FileReference { part: PartPath },
    /// A tool was called and nothing came of it.
    #[error("{part}: must have a result: a tool call without one cannot be sent to the model")]
    MissingResult { part: PartPath },
    /// An answer to a question that was not asked.
    #[error("{part}.approval: must belong to a tool call whose input is whole")]
    UnknownApproval { part: PartPath },
}

/// The position of a part in the list of messages, as `messages[2].parts[0]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartPath {
    /// Index of the message.
    pub message: usize,
    /// Index of the part in its message.
    pub part: usize,
}

impl fmt::Display for PartPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "messages[{}].parts[{}]", self.message, self.part)
    }
}
