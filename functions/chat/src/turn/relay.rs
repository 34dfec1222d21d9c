//! The relay of a turn: from the gateway into the stream buffer.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use gateway::{GatewayError, Model, PartStream, Prompt};
use store::{StoreError, TurnKeys};
use tokio::time::Instant;
use ui_stream::UiMessageChunk;

use crate::invocation::Invocation;
use crate::state::AppState;
use crate::stream::buffer::StreamWriter;
use crate::stream::journal::Journal;
use crate::stream::registry::LiveTurnGuard;
use crate::turn::Turn;
use crate::turn::ending::Ending;
use crate::turn::finalize::EndedTurn;
use crate::turn::output::Output;
use crate::turn::watch::Watch;

/// The call of the model.
pub(super) struct ModelCall {
    pub(super) model: Model,
    pub(super) prompt: Prompt,
}

/// The relay of one turn. It waits for no reader, and ends in exactly one way, which it records.
pub(super) struct Relay {
    state: Arc<AppState>,
    turn: Turn,
    call: ModelCall,
    keys: TurnKeys,
    writer: StreamWriter,
    output: Output,
    /// The registration of the turn in this process, with its stop signal.
    guard: LiveTurnGuard,
    message_saved: bool,
    skipped: u64,
}

impl Relay {
    /// Creates the relay of a turn that has begun under `keys`.
    pub(super) fn new(
        state: Arc<AppState>,
        mut turn: Turn,
        call: ModelCall,
        keys: TurnKeys,
        writer: StreamWriter,
        guard: LiveTurnGuard,
        message_saved: bool,
    ) -> Self {
        let parts = std::mem::take(&mut turn.answer_parts);
        let output = Output::new(parts, state.send_sources);
        Self {
            state,
            turn,
            call,
            keys,
            writer,
            output,
            guard,
            message_saved,
            skipped: 0,
        }
    }

    /// Runs the turn until its end is recorded.
    pub(super) async fn run(mut self, invocation: &Invocation) {
        let cutoff = invocation.cutoff();
        let stop = self.guard.stop.clone();
        let ending = {
            let relay = AssertUnwindSafe(self.relay(cutoff, invocation)).catch_unwind();
            tokio::select! {
                // The relay comes first: an answer that is complete must not count as interrupted.
                biased;
                ending = relay => ending.unwrap_or(Ending::Panicked),
                () = tokio::time::sleep_until(cutoff) => Ending::Deadline,
                () = stop.cancelled() => Ending::Stopped,
                () = invocation.shutdown.cancelled() => Ending::Shutdown,
            }
        };
        let stream_id = self.turn.ids.stream.clone();
        let finalize = AssertUnwindSafe(self.into_ended().finalize(ending, invocation));
        if finalize.catch_unwind().await.is_err() {
            // The dropped writer has ended the stream with an error. The answer is recovered from
            // the journal.
            tracing::error!(
                stream_id = stream_id.as_str(),
                "panicked while finalizing a turn"
            );
        }
    }

    fn into_ended(self) -> EndedTurn {
        EndedTurn {
            state: self.state,
            turn: self.turn,
            keys: self.keys,
            output: self.output,
            writer: self.writer,
            guard: self.guard,
            message_saved: self.message_saved,
            skipped_parts: self.skipped,
        }
    }

    async fn relay(&mut self, cutoff: Instant, invocation: &Invocation) -> Ending {
        let metadata = self.output.start_metadata(&self.turn.ids.model);
        self.output.emit(&UiMessageChunk::Start {
            message_id: self.turn.ids.answer.to_string(),
            message_metadata: Some(Box::new(metadata)),
        });
        for id in self.call.prompt.denied_tool_calls() {
            self.output.emit(&UiMessageChunk::ToolOutputDenied {
                tool_call_id: id.clone(),
            });
        }
        self.output.flush(&self.writer);
        self.spawn_journal_and_watch(invocation);

        let mut parts = match self.open_stream(cutoff).await {
            Ok(parts) => parts,
            Err(ending) => return ending,
        };
        let ending = loop {
            match parts.next().await {
                Ok(Some(parts)) => {
                    let pushed = self.output.push(parts, &self.writer);
                    self.output.flush(&self.writer);
                    if let Err(ending) = pushed {
                        break ending;
                    }
                }
                Ok(None) => break Ending::Finished,
                Err(error) => break Ending::Broken(error),
            }
        };
        self.skipped = parts.skipped();
        ending
    }

    /// Starts the journal, from which other processes read the stream, and the watch for their
    /// stops.
    fn spawn_journal_and_watch(&self, invocation: &Invocation) {
        let state = &self.state;
        if !state.has_journals() {
            return;
        }
        let watch = Watch {
            store: state.store.clone(),
            keys: self.keys.clone(),
            buffer: self.writer.reader(),
            interval: state.journal_interval,
            stop: self.guard.stop.clone(),
        };
        invocation.spawn(watch.run());
        let journal = Journal {
            store: state.store.clone(),
            name: self.keys.journal(),
            stream: self.keys.stream().clone(),
            buffer: self.writer.reader(),
            preamble: self.output.length(),
            interval: state.journal_interval,
        };
        invocation.spawn(journal.run());
    }

    /// Calls the model while the user's message is being stored. Reads nothing of the answer before
    /// that is done, and drops the call if it fails.
    async fn open_stream(&mut self, cutoff: Instant) -> Result<PartStream, Ending> {
        let message = self.turn.user_message();
        let is_saved = self.message_saved;
        let mut save = pin!(async {
            if is_saved {
                Ok(())
            } else {
                self.state
                    .store
                    .put_user_message(&self.keys, &message)
                    .await
            }
        });
        // Both run at once, so that the write costs no time before the first byte.
        let mut call = pin!(self.call.model.stream(&self.call.prompt, Some(cutoff)));
        let (saved, called): (
            Result<(), StoreError>,
            Option<Result<PartStream, GatewayError>>,
        ) = tokio::select! {
            saved = &mut save => (saved, None),
            called = &mut call => (save.await, Some(called)),
        };
        saved.map_err(Ending::NotSaved)?;
        self.message_saved = true;
        match called {
            Some(called) => called,
            None => call.await,
        }
        .map_err(Ending::Broken)
    }
}
