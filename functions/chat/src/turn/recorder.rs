//! The record of how a turn ended, for the store and for the operator.

use std::time::Duration;

use front::error_chain;
use message::UnifiedFinishReason;
use store::{Answer, Finished, OpenTurn, Status, Store, StoreError, TurnKeys, TurnOutcome};
use tokio::time::{Instant, timeout_at};

use crate::invocation::Invocation;
use crate::turn::ending::Ending;
use crate::turn::record::Record;
use crate::turn::{Turn, TurnIds, user_message};

/// The timeout of a save, including the store's own retries. The user is waiting for the end of the
/// stream.
const SAVE_TIMEOUT: Duration = Duration::from_secs(15);

/// The longest pause between two attempts.
const MAX_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The timeout of a save for which no client waits any more.
const LATE_SAVE_TIMEOUT: Duration = Duration::from_secs(60);

/// The time reserved for marking the turn as ended.
const FINISH_RESERVE: Duration = Duration::from_secs(1);

/// The writer of one turn's end.
pub(crate) struct Recorder<'a> {
    store: &'a Store,
    ids: &'a TurnIds,
    /// The parts of the user's message as JSON.
    message_parts: &'a str,
    keys: &'a TurnKeys,
    /// The time by which the save must be done, and the one by which the turn must be marked as
    /// ended.
    save_until: Instant,
    finish_until: Instant,
    deadline: Instant,
}

impl<'a> Recorder<'a> {
    /// Creates the recorder of the turn under `keys`. Its timeouts start now.
    pub(crate) fn new(
        store: &'a Store,
        turn: &'a Turn,
        keys: &'a TurnKeys,
        invocation: &Invocation,
    ) -> Self {
        let latest = Instant::now() + SAVE_TIMEOUT;
        let save_until = invocation.save_deadline().min(latest);
        let finish_until = save_until + (invocation.deadline - save_until) / 2;
        Self {
            store,
            ids: &turn.ids,
            message_parts: &turn.message_parts,
            keys,
            save_until,
            finish_until,
            deadline: invocation.deadline,
        }
    }

    /// Stores the answer, and first the user's message if the turn ended before that was stored.
    /// Returns `false` if this failed within the time that a client waits; the error is logged.
    pub(crate) async fn save(&self, record: &Record, message_saved: bool) -> bool {
        self.save_until(self.save_until, record, message_saved)
            .await
    }

    /// Stores the answer after the client has been informed that nothing was saved. Tries until
    /// [`LATE_SAVE_TIMEOUT`] or the end of the invocation.
    pub(crate) async fn save_late(&self, record: &Record, message_saved: bool) -> bool {
        let until = self
            .deadline
            .checked_sub(FINISH_RESERVE)
            .unwrap_or(self.deadline);
        self.save_until(
            until.min(Instant::now() + LATE_SAVE_TIMEOUT),
            record,
            message_saved,
        )
        .await
    }

    async fn save_until(&self, until: Instant, record: &Record, message_saved: bool) -> bool {
        if !message_saved {
            let put = async || {
                let message = user_message(self.message_parts);
                self.store.put_user_message(self.keys, &message).await
            };
            let saved = self.persist("store the user's message", until, put).await;
            if saved.is_none() {
                return false;
            }
        }
        let answer = Answer {
            parts: &record.parts,
            status: record.status,
            metadata: &record.metadata,
        };
        self.persist("store the answer", until, || {
            self.store.put_answer(self.keys, &answer)
        })
        .await
        .is_some()
    }

    /// Marks the turn as ended. If this fails, its lease expires instead. A client whose answer is
    /// saved waits for this and must be answered before the deadline. Returns an older turn that
    /// has to be recovered.
    pub(crate) async fn finish(&self, record: &Record, saved: bool) -> Option<OpenTurn> {
        let has_answer = !record.is_empty || record.status == Status::Completed;
        let outcome = if saved && has_answer {
            TurnOutcome::Done
        } else {
            TurnOutcome::Failed
        };
        let usage = record.usage();
        let latest = Instant::now() + SAVE_TIMEOUT;
        let until = if saved {
            self.finish_until
                .max(Instant::now() + FINISH_RESERVE)
                .min(latest)
        } else {
            self.deadline.min(latest)
        };
        let finish = || self.store.finish_turn(self.keys, outcome, &usage);
        match self
            .persist("mark the turn as ended", until, finish)
            .await?
        {
            Finished::Recorded {
                unfinished_previous,
            } => unfinished_previous,
            Finished::Superseded => {
                tracing::info!(
                    thread_id = self.ids.thread.as_str(),
                    "a newer turn took over the thread"
                );
                None
            }
        }
    }

    /// Adds the turn's usage to its user's day and releases its quota slot. No client waits for
    /// this.
    pub(crate) async fn record_usage(&self, record: &Record) {
        let (usage, until) = (
            record.usage(),
            self.deadline.min(Instant::now() + SAVE_TIMEOUT),
        );
        self.persist("record the usage", until, || {
            self.store.record_usage(self.keys, &usage)
        })
        .await;
    }

    /// Logs the outcome in one line, without any content of the conversation.
    pub(crate) fn log_outcome(&self, record: &Record, ending: &Ending, saved: bool) {
        let metadata = &record.metadata;
        let usage = metadata.usage.unwrap_or_default();
        let cause = ending.cause();
        tracing::info!(
            user_id = self.ids.user.as_str(),
            thread_id = self.ids.thread.as_str(),
            message_id = self.ids.message.as_str(),
            answer_id = self.ids.answer.as_str(),
            stream_id = self.ids.stream.as_str(),
            status = record.status.as_str(),
            saved,
            error = metadata.error,
            cause,
            latency_ms = metadata.latency_ms,
            ttft_ms = metadata.ttft_ms,
            answer_bytes = record.parts.len(),
            skipped_parts = record.skipped_parts,
            gen_ai.request.model = self.ids.model,
            gen_ai.response.finish_reason = metadata.finish_reason.map(UnifiedFinishReason::as_str),
            gen_ai.usage.input_tokens = usage.input_tokens,
            gen_ai.usage.output_tokens = usage.output_tokens,
            "a turn has ended"
        );
    }

    /// Retries `put` until it succeeds, fails permanently, or `until` has passed.
    async fn persist<T, F>(&self, what: &str, until: Instant, put: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let (thread_id, answer_id) = (self.ids.thread.as_str(), self.ids.answer.as_str());
        let mut interval = Duration::from_millis(250);
        loop {
            let error = match timeout_at(until, put()).await {
                Ok(Ok(done)) => return Some(done),
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            let next_try = Instant::now() + interval;
            let can_retry =
                error.as_ref().is_some_and(StoreError::is_retryable) && next_try < until;
            let error = error.map_or_else(
                || "the attempt timed out".to_owned(),
                |error| error_chain(&error),
            );
            if !can_retry {
                tracing::error!(thread_id, answer_id, error, "failed to {what}");
                return None;
            }
            tracing::warn!(thread_id, answer_id, error, "failed to {what}, retrying");
            tokio::time::sleep_until(next_try).await;
            interval = MAX_RETRY_INTERVAL.min(interval * 2);
        }
    }
}
