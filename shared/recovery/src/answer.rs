//! The answer that a journal tells of.

use message::{AnswerMetadata, UiPart};
use store::{OpenTurn, Status};
use ui_stream::{MessageAssembler, UiMessageChunk};

/// The error code of an answer whose process died.
const INTERRUPTED: &str = "interrupted";

/// An answer, as it is stored.
pub(crate) struct Answer {
    /// As JSON text.
    pub(crate) parts: String,
    /// True if no content of the model is known.
    pub(crate) is_empty: bool,
    pub(crate) metadata: AnswerMetadata,
    pub(crate) status: Status,
}

impl Answer {
    /// Returns the answer that the `journal` of `turn` makes of the parts that it continues.
    pub(crate) fn of(turn: &OpenTurn, given: &[UiPart], journal: &[u8], now_ms: u64) -> Self {
        let (mut assembler, mut metadata_seen) =
            (MessageAssembler::from_parts(given.to_owned()), None);
        let mut unreadable = 0_u64;
        for chunk in UiMessageChunk::decode_all(journal) {
            let Ok(chunk) = chunk else {
                unreadable += 1;
                continue;
            };
            assembler.push(&chunk);
            metadata_seen = metadata_of(chunk).or(metadata_seen);
        }
        if unreadable > 0 {
            tracing::warn!(
                stream_id = turn.stream().as_str(),
                unreadable,
                "skipped unreadable chunks of a journal"
            );
        }
        // A tool's result goes into a part that was there before.
        let is_empty = assembler.is_empty() && assembler.parts().starts_with(given);
        assembler.close_open_blocks();
        assembler.close_open_inputs();

        let mut metadata = metadata_seen
            .unwrap_or_else(|| AnswerMetadata::at_start(turn.model(), turn.began_at_ms()));
        let status = status(turn, &metadata, now_ms);
        metadata.aborted = Some(status == Status::Stopped);
        if status == Status::Interrupted {
            metadata.error.get_or_insert_with(|| INTERRUPTED.to_owned());
        }
        // The begin of a step is nothing to show, nor is what was there before. An answer without
        // parts is what the store takes for none.
        let parts = if is_empty { &[] } else { assembler.parts() };
        let parts = serde_json::to_string(parts).expect("parts are always JSON");
        Self {
            parts,
            is_empty,
            metadata,
            status,
        }
    }
}

/// Returns the status of a recovered answer. A stream may have ended though its answer was not
/// stored: then the metadata in it decides.
fn status(turn: &OpenTurn, metadata_seen: &AnswerMetadata, now_ms: u64) -> Status {
    let is_stopped =
        metadata_seen.aborted == Some(true) || turn.is_stopped() || !turn.is_dead(now_ms);
    if is_stopped {
        Status::Stopped
    } else {
        Status::Interrupted
    }
}

fn metadata_of(chunk: UiMessageChunk) -> Option<AnswerMetadata> {
    match chunk {
        UiMessageChunk::Start {
            message_metadata, ..
        }
        | UiMessageChunk::Finish {
            message_metadata, ..
        } => message_metadata.map(|metadata| *metadata),
        UiMessageChunk::MessageMetadata { message_metadata } => Some(*message_metadata),
        _ => None,
    }
}
