//! How a turn ended, for the store and for the operator.

use std::time::Duration;

use front::failure;
use message::{AnswerMetadata, TokenUsage, UnifiedFinishReason};
use store::{
    Answer, Cost, Finished, OpenTurn, Status, Store, StoreError, TurnKeys, TurnOutcome, TurnUsage,
};
use tokio::time::{Instant, timeout_at};

use crate::invocation::Invocation;
use crate::relay::Ending;
use crate::turn::Turn;

/// How long a save is tried for, on top of the store's own retries. The user is waiting for the end of the stream.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest wait between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long it is tried for when nobody is waiting any more.
const LATE_PATIENCE: Duration = Duration::from_secs(60);

/// What is left for the mark that the turn is over.
const LAST_MARK: Duration = Duration::from_secs(1);

/// What is known of an answer when it has ended.
pub(crate) struct Record {
    pub(crate) parts: String,
    /// Whether the model said nothing at all.
    pub(crate) is_empty: bool,
    pub(crate) status: Status,
    pub(crate) metadata: AnswerMetadata,
    /// What the gateway says the call cost.
    pub(crate) cost: Option<Cost>,
    pub(crate) skipped_parts: u64,
}

impl Record {
    fn usage(&self) -> TurnUsage {
        used(self.metadata.usage, self.cost)
    }
}

/// What a call used, as the table counts it.
pub(crate) fn used(usage: Option<TokenUsage>, cost: Option<Cost>) -> TurnUsage {
    let usage = usage.unwrap_or_default();
    TurnUsage {
        input: usage.input_tokens,
        output: usage.output_tokens,
        cached: usage.input_token_details.cache_read_tokens,
        reasoning: usage.output_token_details.reasoning_tokens,
        cost,
    }
}

/// Writes the end of one turn.
pub(crate) struct Recorder<'a> {
    turn: &'a Turn,
    store: &'a Store,
    keys: &'a TurnKeys,
    /// When trying to save is over, and when trying to mark the end.
    save_until: Instant,
    mark_until: Instant,
    deadline: Instant,
}

impl<'a> Recorder<'a> {
    /// For the turn under `keys`, from now on.
    pub(crate) fn new(turn: &'a Turn, keys: &'a TurnKeys, invocation: &Invocation) -> Self {
        let patience = Instant::now() + PATIENCE;
        let save_until = invocation.save_until().min(patience);
        let mark_until = save_until + (invocation.deadline - save_until) / 2;
        Self {
            turn,
            store: &turn.clients.store,
            keys,
            save_until,
            mark_until,
            deadline: invocation.deadline,
        }
    }

    /// Puts the answer and, if the end of the turn has overtaken it, the user's message first. `false`: it could not be
    /// put in the time that a client waits, and the log says why.
    pub(crate) async fn save(&self, record: &Record, message_saved: bool) -> bool {
        self.save_until(self.save_until, record, message_saved)
            .await
    }

    /// The same when the client has been told that nothing was saved: for as long as the invocation lasts, but not for
    /// ever.
    pub(crate) async fn save_late(&self, record: &Record, message_saved: bool) -> bool {
        let until = self
            .deadline
            .checked_sub(LAST_MARK)
            .unwrap_or(self.deadline);
        self.save_until(
            until.min(Instant::now() + LATE_PATIENCE),
            record,
            message_saved,
        )
        .await
    }

    async fn save_until(&self, until: Instant, record: &Record, message_saved: bool) -> bool {
        if !message_saved {
            let saved = self
                .persist("store the user's message", until, || {
                    self.turn.save_message(self.keys)
                })
                .await;
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

    /// Marks the turn as over. If this fails the turn's lease runs out instead. A client whose answer is saved waits for
    /// this, and has to be told before the deadline. Returns an older turn that somebody has to bring to its end.
    pub(crate) async fn finish(&self, record: &Record, saved: bool) -> Option<OpenTurn> {
        let says_something = !record.is_empty || record.status == Status::Completed;
        let outcome = if saved && says_something {
            TurnOutcome::Done
        } else {
            TurnOutcome::Failed
        };
        let usage = record.usage();
        let patience = Instant::now() + PATIENCE;
        let until = if saved {
            self.mark_until
                .max(Instant::now() + LAST_MARK)
                .min(patience)
        } else {
            self.deadline.min(patience)
        };
        let finish = || self.store.finish_turn(self.keys, outcome, &usage);
        match self
            .persist("mark the turn as ended", until, finish)
            .await?
        {
            Finished::Recorded { left_behind } => left_behind,
            Finished::Superseded => {
                tracing::info!(
                    thread_id = self.turn.thread.as_str(),
                    "a newer turn took over the thread"
                );
                None
            }
        }
    }

    /// Adds what the turn used to its user's day, and gives its place back. Nobody waits for this.
    pub(crate) async fn settle(&self, record: &Record) {
        let (usage, until) = (record.usage(), self.deadline.min(Instant::now() + PATIENCE));
        self.persist("record the usage", until, || {
            self.store.record_usage(self.keys, &usage)
        })
        .await;
    }

    /// Says in one line what an operator may want to know, and nothing of what was said.
    pub(crate) fn report(&self, record: &Record, ending: &Ending, saved: bool) {
        let metadata = &record.metadata;
        let usage = metadata.usage.unwrap_or_default();
        let cause = ending.cause();
        tracing::info!(
            user_id = self.turn.user.as_str(),
            thread_id = self.turn.thread.as_str(),
            message_id = self.turn.message.id.as_str(),
            answer_id = self.turn.answer.as_str(),
            stream_id = self.turn.stream.as_str(),
            status = record.status.as_str(),
            saved,
            error = metadata.error,
            cause,
            latency_ms = metadata.latency_ms,
            ttft_ms = metadata.ttft_ms,
            answer_bytes = record.parts.len(),
            skipped_parts = record.skipped_parts,
            gen_ai.request.model = self.turn.model_id,
            gen_ai.response.finish_reason = metadata.finish_reason.map(UnifiedFinishReason::as_str),
            gen_ai.usage.input_tokens = usage.input_tokens,
            gen_ai.usage.output_tokens = usage.output_tokens,
            "a turn has ended"
        );
    }

    /// Tries until it works, there is no point, or the time is up.
    async fn persist<T, F>(&self, what: &str, until: Instant, put: impl Fn() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let (thread_id, answer_id) = (self.turn.thread.as_str(), self.turn.answer.as_str());
        let mut pause = Duration::from_millis(250);
        loop {
            let error = match timeout_at(until, put()).await {
                Ok(Ok(done)) => return Some(done),
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            let again = Instant::now() + pause;
            let goes_on = error.as_ref().is_some_and(StoreError::is_retryable) && again < until;
            let error = error.map_or_else(
                || "no time is left".to_owned(),
                |error| failure::chain(&error),
            );
            if !goes_on {
                tracing::error!(thread_id, answer_id, error, "failed to {what}");
                return None;
            }
            tracing::warn!(thread_id, answer_id, error, "failed to {what}, retrying");
            tokio::time::sleep_until(again).await;
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }
}
