//! Streams that are made of what is stored, for a client that missed the first time.

use message::{AnswerMetadata, UiPart};
use store::{Status, StoredMessage};
use ui_stream::{ReplayEnd, UiMessageChunk};

/// The stored answer as the stream that it once was, in larger pieces, to a client that has the parts `given` already.
/// `None`: its parts cannot be read.
pub(crate) fn stream_of(given: &[UiPart], answer: &StoredMessage) -> Option<Vec<u8>> {
    let parts = match UiPart::parse_stored(&answer.parts) {
        Ok(parts) => parts,
        Err(error) => {
            tracing::error!(
                message_id = answer.id.as_str(),
                error = error.to_string(),
                "an answer cannot be read"
            );
            return None;
        }
    };
    let metadata = answer.metadata.clone().unwrap_or_else(|| {
        AnswerMetadata::at_start(answer.model.as_deref().unwrap_or_default(), answer.created_at_ms)
    });
    let end = match answer.status {
        None | Some(Status::Completed) => ReplayEnd::Finished,
        Some(Status::Stopped) => ReplayEnd::Aborted,
        Some(Status::Failed) => ReplayEnd::Failed("The answer failed. What came of it is kept."),
        Some(Status::Interrupted) => {
            ReplayEnd::Failed("The answer was interrupted. What came so far is kept.")
        }
    };
    let mut stream = Vec::new();
    ui_stream::replay_onto(given, &answer.id, &parts, &metadata, end, |chunk| chunk.encode(&mut stream));
    stream.extend_from_slice(ui_stream::DONE);
    Some(stream)
}

/// What ends a stream whose rest cannot be had.
pub(crate) fn broken_off(error_text: &str) -> Vec<u8> {
    let mut stream = Vec::new();
    UiMessageChunk::Error { error_text: error_text.to_owned() }.encode(&mut stream);
    stream.extend_from_slice(ui_stream::DONE);
    stream
}
