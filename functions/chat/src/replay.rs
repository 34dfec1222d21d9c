//! Streams that are made of what is stored, for a client that missed the first time.

use message::{AnswerMetadata, MessageId, UiPart};
use store::{Status, StoredMessage};
use ui_stream::{ReplayEnd, UiMessageChunk};

/// The most bytes of a replay: what an answer may make, and room for the chunks that end a stream.
const MAX_REPLAY_BYTES: usize = ui_stream::MAX_ANSWER_BYTES + 64 * 1024;

/// Told to the reader of an answer that is stored, and longer than the process can send.
const TOO_LONG: &str = "The answer is too long to be sent again. Load the conversation to see it.";

/// The stored answer as the stream that it once was, in larger pieces, to a client that has the parts `given` already.
/// `None`: its parts cannot be read.
pub(crate) fn stream_of(given: &[UiPart], answer: &StoredMessage) -> Option<Vec<u8>> {
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
    Some(replayed(given, &answer.id, &parts, &metadata, end))
}

/// Encodes a replay, up to the first chunk that a process of 128 MB could not hold besides the answer itself.
fn replayed(
    given: &[UiPart],
    id: &MessageId,
    parts: &[UiPart],
    metadata: &AnswerMetadata,
    end: ReplayEnd<'_>,
) -> Vec<u8> {
    let (mut stream, mut is_too_long) = (Vec::new(), false);
    ui_stream::replay_onto(given, id, parts, metadata, end, |chunk| {
        is_too_long = is_too_long || stream.len() + chunk.encoded_len() > MAX_REPLAY_BYTES;
        if !is_too_long {
            chunk.encode(&mut stream);
        }
    });
    if is_too_long {
        stream.extend_from_slice(&broken_off(TOO_LONG));
    } else {
        stream.extend_from_slice(ui_stream::DONE);
    }
    stream
}

/// What ends a stream whose rest cannot be had.
pub(crate) fn broken_off(error_text: &str) -> Vec<u8> {
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
        String::from_utf8(replayed(&[], &id, parts, &metadata, ReplayEnd::Finished)).unwrap()
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
        let (shown, told) = replay.split_at(replay.len() - 200);
        assert!(replay.len() < MAX_REPLAY_BYTES, "{} bytes", replay.len());
        assert!(shown.contains(&"x".repeat(12 << 20)), "what fits is sent");
        assert!(
            told.contains(TOO_LONG) && told.ends_with("data: [DONE]\n\n"),
            "{told}"
        );
    }
}
