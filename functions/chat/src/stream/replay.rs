//! Streams built from stored answers, for clients that missed the live stream.

use message::{AnswerMetadata, MessageId, UiPart};
use store::{Status, StoredMessage};
use ui_stream::{ReplayEnd, UiMessageChunk};

/// The size limit of a replay: the longest answer, and room for the chunks that end a stream.
const MAX_REPLAY_BYTES: usize = ui_stream::MAX_ANSWER_BYTES + 64 * 1024;

/// The error text for a stored answer that is longer than the process can send.
const TOO_LONG_TO_REPLAY: &str =
    "The answer is too long to be sent again. Load the conversation to see it.";

/// Encodes a stored answer as its stream, in larger chunks, for a client that has `known_parts`
/// already. Returns `None` if its parts cannot be parsed.
pub(crate) fn replay_answer(known_parts: &[UiPart], answer: &StoredMessage) -> Option<Vec<u8>> {
    let parts = match UiPart::parse_stored(&answer.parts) {
        Ok(parts) => parts,
        Err(error) => {
            tracing::error!(
                message_id = answer.id.as_str(),
                error = error.to_string(),
                "failed to parse a stored answer"
            );
            return None;
        }
    };
    // Metadata is optional in the table, but a stream starts with the model and the time.
    let metadata = answer.metadata.clone().unwrap_or_else(|| {
        AnswerMetadata::at_start(
            answer.model.as_deref().unwrap_or_default(),
            answer.created_at_ms,
        )
    });
    let end = match answer.status {
        None | Some(Status::Completed) => ReplayEnd::Finished,
        Some(Status::Stopped) => ReplayEnd::Aborted,
        Some(Status::Failed) => ReplayEnd::Failed("The answer failed. What came of it is kept."),
        Some(Status::Interrupted) => {
            ReplayEnd::Failed("The answer was interrupted. What came so far is kept.")
        }
    };
    Some(encode_replay(
        known_parts,
        &answer.id,
        &parts,
        &metadata,
        end,
    ))
}

/// Encodes a replay, up to the first chunk that a process of 128 MB could not hold in addition to
/// the answer itself.
fn encode_replay(
    known_parts: &[UiPart],
    id: &MessageId,
    parts: &[UiPart],
    metadata: &AnswerMetadata,
    end: ReplayEnd<'_>,
) -> Vec<u8> {
    let mut replay = BoundedReplay::default();
    ui_stream::replay(known_parts, id, parts, metadata, end, |chunk| {
        replay.push(&chunk);
    });
    replay.finish()
}

/// The bytes of a replay, cut before the first chunk that exceeds [`MAX_REPLAY_BYTES`].
#[derive(Default)]
struct BoundedReplay {
    stream: Vec<u8>,
    is_cut: bool,
}

impl BoundedReplay {
    fn push(&mut self, chunk: &UiMessageChunk) {
        // Once a chunk has been dropped, the later ones are dropped too: a gap must never be sent.
        self.is_cut |= self.stream.len() + chunk.encoded_len() > MAX_REPLAY_BYTES;
        if !self.is_cut {
            chunk.encode(&mut self.stream);
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.is_cut {
            self.stream
                .extend_from_slice(&error_stream(TOO_LONG_TO_REPLAY));
        } else {
            self.stream.extend_from_slice(ui_stream::DONE);
        }
        self.stream
    }
}

/// Encodes the end of a stream whose rest is not available: an error chunk and `[DONE]`.
pub(crate) fn error_stream(error_text: &str) -> Vec<u8> {
    let mut stream = Vec::new();
    UiMessageChunk::Error {
        error_text: error_text.to_owned(),
    }
    .encode(&mut stream);
    stream.extend_from_slice(ui_stream::DONE);
    stream
}

#[cfg(test)]
mod tests {
    use message::PartState;

    use super::*;

    fn text(bytes: usize) -> UiPart {
        let (text, state) = ("x".repeat(bytes).as_str().into(), Some(PartState::Done));
        UiPart::Text {
            text,
            state,
            provider_metadata: None,
            citations: None,
        }
    }

    fn stream(parts: &[UiPart]) -> String {
        let (id, metadata) = (
            MessageId::parse("a1").unwrap(),
            AnswerMetadata::at_start("m", 0),
        );
        String::from_utf8(encode_replay(
            &[],
            &id,
            parts,
            &metadata,
            ReplayEnd::Finished,
        ))
        .unwrap()
    }

    #[test]
    fn an_answer_as_long_as_any_may_be_is_replayed_to_its_end() {
        let replay = stream(&[text(8 << 20), text((8 << 20) - 1024)]);
        assert!(replay.ends_with("data: [DONE]\n\n") && !replay.contains("\"type\":\"error\""));
        assert!(
            replay.contains("\"type\":\"finish\""),
            "{:.200}",
            &replay[replay.len() - 300..]
        );
    }

    #[test]
    fn a_longer_answer_is_replayed_up_to_the_limit_and_says_so() {
        let replay = stream(&[text(12 << 20), text(12 << 20)]);
        let (shown, rest) = replay.split_at(replay.len() - 200);
        assert!(replay.len() < MAX_REPLAY_BYTES, "{} bytes", replay.len());
        assert!(shown.contains(&"x".repeat(12 << 20)), "what fits is sent");
        assert!(
            rest.contains(TOO_LONG_TO_REPLAY) && rest.ends_with("data: [DONE]\n\n"),
            "{rest}"
        );
    }
}
