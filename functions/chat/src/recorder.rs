//! How a turn ended, for the store and for the operator.

use std::time::Duration;

use message::{UnifiedFinishReason, Usage};
use serde_json::{Map, Value, json};
use store::{Answer, Finished, Status, Store, StoreError, TurnKeys, TurnOutcome};
use tokio::time::Instant;

use crate::clients::now_ms;
use crate::failure;
use crate::relay::Ending;
use crate::turn::Turn;

/// How long a save is tried for, on top of the store's own retries. The user is waiting for the end of the stream.
const PATIENCE: Duration = Duration::from_secs(15);

/// What is known of an answer when it has ended.
pub(crate) struct Record {
    pub(crate) parts: String,
    /// Whether the model said nothing at all.
    pub(crate) is_empty: bool,
    pub(crate) status: Status,
    /// A stable name of what went wrong.
    pub(crate) error: Option<&'static str>,
    pub(crate) finish_reason: Option<UnifiedFinishReason>,
    pub(crate) raw_finish_reason: Option<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) latency: Duration,
    pub(crate) first_token: Option<Duration>,
    pub(crate) skipped_parts: u64,
}

impl Record {
    fn metadata(&self) -> Map<String, Value> {
        let mut metadata = Map::new();
        let mut set =
            |name: &str, value: Option<Value>| value.map(|value| metadata.insert(name.to_owned(), value));
        set("finishReason", self.finish_reason.map(|reason| json!(reason.as_str())));
        set("rawFinishReason", self.raw_finish_reason.as_ref().map(|reason| json!(reason)));
        set("latencyMs", Some(json!(milliseconds(self.latency))));
        set("ttftMs", self.first_token.map(|time| json!(milliseconds(time))));
        set("aborted", Some(json!(self.status == Status::Stopped)));
        set("error", self.error.map(|code| json!(code)));
        metadata
    }
}

/// Writes the end of one turn.
pub(crate) struct Recorder<'a> {
    turn: &'a Turn,
    store: &'a Store,
    keys: &'a TurnKeys,
    /// When trying is over.
    until: Instant,
}

impl<'a> Recorder<'a> {
    /// For the turn under `keys`, whose process may be gone after `deadline`.
    pub(crate) fn new(turn: &'a Turn, keys: &'a TurnKeys, deadline: Instant) -> Self {
        let until = deadline.min(Instant::now() + PATIENCE);
        Self { turn, store: &turn.store, keys, until }
    }

    /// Puts the user's message, which the end of the turn overtook, and the answer.
    pub(crate) async fn save_all(&self, record: &Record) -> Result<(), ()> {
        self.persist(|| self.turn.save_message(self.keys)).await?;
        self.save_answer(record).await
    }

    /// Puts the answer.
    pub(crate) async fn save_answer(&self, record: &Record) -> Result<(), ()> {
        let metadata = record.metadata();
        let usage = record.usage.filter(|usage| !usage.is_empty());
        let usage_json = usage.map(|usage| serde_json::to_string(&usage).expect("numbers are always JSON"));
        let answer = Answer {
            parts: &record.parts,
            model: &self.turn.model_id,
            status: record.status,
            input_tokens: usage.and_then(|usage| usage.input.total),
            output_tokens: usage.and_then(|usage| usage.output.total),
            usage: usage_json.as_deref(),
            metadata: &metadata,
            created_at_ms: now_ms(),
        };
        self.persist(|| self.store.put_answer(self.keys, &answer)).await
    }

    /// Marks the turn as over. If this fails the turn's lease runs out instead.
    pub(crate) async fn finish(&self, record: &Record, saved: bool) {
        let outcome = if saved && !record.is_empty { TurnOutcome::Done } else { TurnOutcome::Failed };
        match self.store.finish_turn(self.keys, outcome).await {
            Ok(Finished::Recorded) => {}
            Ok(Finished::Superseded) => tracing::info!("a newer turn has taken the thread over"),
            Err(error) => tracing::warn!(error = failure::chain(&error), "the end of a turn was not marked"),
        }
    }

    /// Says in one line what an operator may want to know, and nothing of what was said.
    pub(crate) fn report(&self, record: &Record, ending: &Ending, request_id: &str) {
        let usage = record.usage.unwrap_or_default();
        let cause = ending.cause();
        tracing::info!(
            request_id,
            user_id = self.turn.user.as_str(),
            thread_id = self.turn.thread.as_str(),
            message_id = self.turn.message.as_str(),
            answer_id = self.turn.answer.as_str(),
            stream_id = self.turn.stream.as_str(),
            status = record.status.as_str(),
            error = record.error,
            cause,
            latency_ms = milliseconds(record.latency),
            ttft_ms = record.first_token.map(milliseconds),
            answer_bytes = record.parts.len(),
            skipped_parts = record.skipped_parts,
            gen_ai.request.model = self.turn.model_id,
            gen_ai.response.finish_reason = record.finish_reason.map(UnifiedFinishReason::as_str),
            gen_ai.usage.input_tokens = usage.input.total,
            gen_ai.usage.output_tokens = usage.output.total,
            "a turn has ended"
        );
    }

    /// Tries until it works, there is no point, or the time is up.
    async fn persist<F>(&self, put: impl Fn() -> F) -> Result<(), ()>
    where
        F: Future<Output = Result<(), StoreError>>,
    {
        let mut pause = Duration::from_millis(250);
        loop {
            let Err(error) = put().await else { return Ok(()) };
            let again = Instant::now() + pause;
            if !error.is_retryable() || again >= self.until {
                let (thread_id, answer_id) = (self.turn.thread.as_str(), self.turn.answer.as_str());
                let error = failure::chain(&error);
                tracing::error!(thread_id, answer_id, error, "a message could not be saved");
                return Err(());
            }
            tracing::warn!(error = failure::chain(&error), "a message could not be saved yet");
            tokio::time::sleep_until(again).await;
            pause *= 2;
        }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
