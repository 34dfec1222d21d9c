//! The end of a turn: its answer is stored, its stream ends, and its usage is recorded.

use std::sync::Arc;
use std::time::Duration;

use message::AnswerMetadata;
use store::{OpenTurn, TurnKeys};
use tokio::time::timeout;
use ui_stream::UiMessageChunk;

use crate::invocation::Invocation;
use crate::state::AppState;
use crate::stream::buffer::StreamWriter;
use crate::stream::registry::LiveTurnGuard;
use crate::turn::Turn;
use crate::turn::ending::Ending;
use crate::turn::output::Output;
use crate::turn::record::Record;
use crate::turn::recorder::Recorder;
use crate::turn::recover::spawn_recovery;
use crate::turn::title::task::TitleTask;

/// The time that a client waits for the mark that its turn produced nothing.
const EMPTY_FINISH_TIMEOUT: Duration = Duration::from_secs(2);

/// A turn that produces no more output and has to be finalized.
pub(super) struct EndedTurn {
    pub(super) state: Arc<AppState>,
    pub(super) turn: Turn,
    pub(super) keys: TurnKeys,
    pub(super) output: Output,
    pub(super) writer: StreamWriter,
    pub(super) guard: LiveTurnGuard,
    /// Set when the user's message is stored.
    pub(super) message_saved: bool,
    pub(super) skipped_parts: u64,
}

/// The outcome of saving the answer of an ended turn.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Saved {
    /// The answer was stored before its stream ended.
    InTime,
    /// The answer was stored after its stream had ended with an error.
    Late,
    /// The answer was not stored.
    Failed,
}

/// The end of a stream that has not been sent.
struct StreamEnd<'a> {
    output: Output,
    closing: Vec<UiMessageChunk>,
    metadata: &'a AnswerMetadata,
    writer: StreamWriter,
}

impl EndedTurn {
    /// Records how the turn ended, and ends its stream.
    pub(super) async fn finalize(self, ending: Ending, invocation: &Invocation) {
        let Self {
            state,
            turn,
            keys,
            mut output,
            writer,
            guard,
            message_saved,
            skipped_parts,
        } = self;
        let recorder = Recorder::new(&state.store, &turn, &keys, invocation);
        let closing = output.close(&ending);
        let record = output.record(&ending, skipped_parts, &turn.ids.model);
        let end = StreamEnd {
            output,
            closing,
            metadata: &record.metadata,
            writer,
        };

        let (saved, unfinished_previous) = if recorder.save(&record, message_saved).await {
            (Saved::InTime, end_saved(&recorder, &record, end).await)
        } else if record.is_empty {
            (Saved::Failed, end_empty(&recorder, &record, end).await)
        } else {
            end.send_unsaved();
            save_late(&recorder, &record, message_saved, state.has_journals()).await
        };
        // The stream has ended: from here on readers are served from the store.
        drop(guard);

        recorder.record_usage(&record).await;
        if let Some(older) = unfinished_previous {
            spawn_recovery(&state, older, invocation);
        }
        recorder.log_outcome(&record, &ending, saved.is_stored());
        if saved.is_stored()
            && let Some(title) = TitleTask::from_turn(&state, &turn, &keys, &record, invocation)
        {
            invocation.spawn(title.run());
        }
    }
}

/// Ends a turn whose answer is stored. Returns an older turn that has to be recovered.
async fn end_saved(
    recorder: &Recorder<'_>,
    record: &Record,
    end: StreamEnd<'_>,
) -> Option<OpenTurn> {
    // Mark first: a client that reads the end may send its next message at once.
    let unfinished_previous = recorder.finish(record, true).await;
    end.send();
    unfinished_previous
}

/// Ends a turn that produced nothing and could not be saved. Returns an older turn that has to be
/// recovered.
async fn end_empty(
    recorder: &Recorder<'_>,
    record: &Record,
    end: StreamEnd<'_>,
) -> Option<OpenTurn> {
    // Marking the turn as failed first lets the client send the same message again as soon as it
    // reads the error. It does not wait long for that.
    let finished = timeout(EMPTY_FINISH_TIMEOUT, recorder.finish(record, false)).await;
    end.send_unsaved();
    // The mark is idempotent. Without a client that waits it has more time.
    let finished_late = recorder.finish(record, false).await;
    finished.unwrap_or_default().or(finished_late)
}

/// Saves an answer after its stream has ended with an error, and ends its turn. Returns an older
/// turn that has to be recovered.
async fn save_late(
    recorder: &Recorder<'_>,
    record: &Record,
    message_saved: bool,
    has_journals: bool,
) -> (Saved, Option<OpenTurn>) {
    if recorder.save_late(record, message_saved).await {
        return (Saved::Late, recorder.finish(record, true).await);
    }
    if has_journals {
        // The turn stays open so that its answer is recovered from the journal.
        return (Saved::Failed, None);
    }
    (Saved::Failed, recorder.finish(record, false).await)
}

impl Saved {
    fn is_stored(self) -> bool {
        match self {
            Self::InTime | Self::Late => true,
            Self::Failed => false,
        }
    }
}

impl StreamEnd<'_> {
    /// Sends the last chunks and ends the stream.
    fn send(self) {
        self.output.end(self.closing, self.metadata, self.writer);
    }

    /// Ends the stream with the error that nothing was saved.
    fn send_unsaved(self) {
        self.output
            .end_unsaved(self.closing, self.metadata, self.writer);
    }
}
