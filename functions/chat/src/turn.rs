//! A turn: one message of the user and its answer.

use std::sync::Arc;
use std::time::Duration;

use front::{failure, now_ms};
use gateway::{Model, Prompt};
use message::{MessageId, StreamId, ThreadId, UiMessage, UiPart, UserId, extract_text_content};
use nanoid::nanoid;
use registry::ModelConfig;
use store::{Begin, BeginTurn, BegunTurn, Cursor, Question, TurnKeys};
use tokio::sync::oneshot;
use tokio::time::Instant;
use validation::{ChatRequest, Trigger};

use crate::clients::AppState;
use crate::error::ApiError;
use crate::history;
use crate::invocation::Invocation;
use crate::live::LiveTurnGuard;
use crate::log::{StreamBuffer, StreamWriter, stream_buffer};
use crate::relay::Relay;
use crate::replay;

/// The longest time between the deadline of a turn and the expiry of its lease.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// The pauses between attempts to undo a begin. Until it is undone, the client's next request finds
/// the turn running.
const UNDO_INTERVALS: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::ZERO,
];

/// The longest title in characters.
const MAX_TITLE_CHARS: usize = 80;

/// The number of attempts to begin, each but the last followed by the recovery of a dead turn.
const MAX_BEGIN_ATTEMPTS: usize = 4;

/// A turn that has passed all checks and is ready to run.
pub(crate) struct Turn {
    pub(crate) state: Arc<AppState>,
    pub(crate) model: Model,
    pub(crate) model_id: String,
    pub(crate) prompt: Prompt,
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    /// The user's message, and its parts as JSON.
    pub(crate) message: UiMessage,
    message_parts: String,
    /// The id of this run of the turn.
    pub(crate) stream: StreamId,
    /// The id of the answer, and its existing parts if the turn continues one.
    pub(crate) answer: MessageId,
    pub(crate) answer_parts: Vec<UiPart>,
    continued: Option<String>,
    /// The beginning of the message's text, which becomes the title of a new thread. May be empty.
    pub(crate) title: String,
    /// Set when no message precedes this one, as far as is known.
    pub(crate) is_first: bool,
    question: Question,
    history_is_stored: bool,
}

/// The producer of the answer.
enum AnswerSource {
    /// This run has begun and writes the answer.
    ThisRun(BegunTurn),
    /// Another run of the same message writes the answer or has written it.
    OtherRun(StreamBuffer),
}

impl Turn {
    /// Creates the turn that `request` describes. Writes nothing and spends nothing.
    pub(crate) fn new(
        state: &Arc<AppState>,
        user: UserId,
        request: ChatRequest,
        model: &ModelConfig,
        prompt: Prompt,
    ) -> Result<Self, ApiError> {
        let message = request.user_message().clone();
        let continued = request.continued_message();
        let json = |parts: &[UiPart]| serde_json::to_string(parts).map_err(|_| ApiError::Internal);
        Ok(Self {
            state: Arc::clone(state),
            model: state.gateway.model(model),
            model_id: model.id.clone(),
            prompt,
            user,
            message_parts: json(&message.parts)?,
            stream: StreamId::parse(&nanoid!()).expect("a nanoid is an id"),
            answer: match continued {
                Some(answer) => answer.id.clone(),
                None => MessageId::parse(&nanoid!()).expect("a nanoid is an id"),
            },
            answer_parts: continued
                .map(|answer| answer.parts.clone())
                .unwrap_or_default(),
            continued: continued.map(|answer| json(&answer.parts)).transpose()?,
            title: title_from(&extract_text_content(&message).to_text()),
            question: match request.trigger {
                Trigger::RegenerateMessage => Question::Regenerated,
                Trigger::SubmitMessage if continued.is_some() => Question::Continued,
                Trigger::SubmitMessage if request.is_edit() => Question::Edited,
                Trigger::SubmitMessage => Question::Sent,
            },
            is_first: request.messages.len() == 1,
            history_is_stored: request.history_is_stored,
            thread: request.thread_id,
            message,
        })
    }

    /// Begins the turn and runs it to its end, independent of the request. If another run answers
    /// the same message, or has answered it, returns that answer.
    ///
    /// # Errors
    /// The turn could not begin. Its task has ended, and the model was not called.
    pub(crate) async fn start(self, invocation: &Invocation) -> Result<StreamBuffer, ApiError> {
        let (begun, outcome) = oneshot::channel();
        invocation.spawn(self.run(begun, invocation.clone()));
        outcome.await.map_err(|_| ApiError::Internal)?
    }

    async fn run(
        mut self,
        begun: oneshot::Sender<Result<StreamBuffer, ApiError>>,
        invocation: Invocation,
    ) {
        let (writer, buffer) = stream_buffer();
        let guard = self.state.live.register(&self.stream, buffer.clone());
        let lease = self.lease(&invocation);
        match self.begin(&lease, &invocation).await {
            // The receiver is gone if the client has disconnected.
            Ok(AnswerSource::OtherRun(buffer)) => drop(begun.send(Ok(buffer))),
            Err(error) => {
                // A lost response of DynamoDB says nothing about the write itself.
                let may_have_begun = matches!(&error, ApiError::Store(_));
                let _ = begun.send(Err(error));
                if may_have_begun {
                    Box::pin(self.undo_begin(&lease)).await;
                }
            }
            Ok(AnswerSource::ThisRun(turn)) => match self.prepare(&turn).await {
                Ok(message_saved) => {
                    let _ = begun.send(Ok(buffer));
                    self.run_begun(turn, writer, guard, message_saved, &invocation)
                        .await;
                }
                Err(error) => {
                    let _ = begun.send(Err(error));
                    // The turn has begun: without this it would block the thread until its lease
                    // expires.
                    Box::pin(self.undo_begin(&lease)).await;
                }
            },
        }
    }

    async fn run_begun(
        self,
        begun: BegunTurn,
        writer: StreamWriter,
        guard: LiveTurnGuard,
        message_saved: bool,
        invocation: &Invocation,
    ) {
        let BegunTurn {
            keys,
            took_over,
            unfinished_previous,
            ..
        } = begun;
        // Its own process stores the answer of an older turn that is alive. A dead one has no
        // process left.
        if let Some(older) = took_over {
            self.state.live.stop(older.stream());
            if older.is_dead(now_ms()) {
                self.state.recover(older, invocation);
            }
        }
        if let Some(older) = unfinished_previous.filter(|older| older.is_dead(now_ms())) {
            self.state.recover(older, invocation);
        }
        Box::pin(Relay::new(self, keys, writer, guard, message_saved).run(invocation)).await;
    }

    /// Begins the turn, after recovering the dead turns that block it.
    async fn begin(
        &self,
        lease: &Lease,
        invocation: &Invocation,
    ) -> Result<AnswerSource, ApiError> {
        for _ in 0..MAX_BEGIN_ATTEMPTS {
            match self
                .state
                .store
                .begin_turn(&self.begin_request(lease))
                .await?
            {
                Begin::Begun(begun) => return Ok(AnswerSource::ThisRun(begun)),
                Begin::Running(open) => {
                    // The response promises that the question is stored, but a long one is not part
                    // of the other run's begin.
                    self.state
                        .store
                        .put_pending_question(&open, &self.user_message())
                        .await?;
                    let buffer = self
                        .state
                        .attach(&open, self.answer_parts.clone(), invocation);
                    let in_progress = || ApiError::TurnInProgress {
                        stream: open.stream().clone(),
                        same_message: true,
                    };
                    return buffer.map(AnswerSource::OtherRun).ok_or_else(in_progress);
                }
                Begin::Answered(answered) => {
                    let answer = self.state.store.answer_of(&answered).await?;
                    let stream = answer
                        .as_ref()
                        .and_then(|answer| replay::replay_answer(&self.answer_parts, answer));
                    let stream = stream.ok_or(ApiError::Internal)?;
                    return Ok(AnswerSource::OtherRun(StreamBuffer::complete(stream)));
                }
                Begin::Recover(open) => {
                    // The begin is refused until the dead turn has its answer.
                    recovery::recover(&self.state.store, &open, now_ms()).await?;
                }
            }
        }
        Err(ApiError::Internal)
    }

    /// Prepares the turn before the client gets a response: loads the conversation where the client
    /// does not send it, and stores the question unless the begin has stored it inline. Returns
    /// whether it stored the question.
    async fn prepare(&mut self, begun: &BegunTurn) -> Result<bool, ApiError> {
        if self.history_is_stored {
            if let Some(older) = &begun.took_over {
                self.state.stop_and_recover(older).await?;
            }
            let preceding;
            (self.prompt, preceding) = self.stored_conversation(&begun.history).await?;
            self.is_first = preceding == 0;
        }
        if begun.question_inlined {
            return Ok(false);
        }
        self.save_message(&begun.keys).await?;
        Ok(true)
    }

    /// Returns the prompt for a client that sends only its last message, and the number of messages
    /// before it.
    async fn stored_conversation(&self, before: &Cursor) -> Result<(Prompt, usize), ApiError> {
        let (state, bytes) = (&self.state, self.message_parts.len());
        history::prompt(
            state,
            &self.user,
            &self.thread,
            before,
            &self.message,
            bytes,
        )
        .await
    }

    /// Undoes a begin that may have been written although its response was lost. It would block the
    /// client's next attempt.
    async fn undo_begin(&self, lease: &Lease) {
        for interval in UNDO_INTERVALS {
            let request_to_undo = self.begin_request(lease);
            let abandon = Box::pin(self.state.store.abandon_turn(&request_to_undo));
            let Err(error) = abandon.await else { return };
            let thread_id = self.thread.as_str();
            tracing::warn!(
                thread_id,
                error = error_chain(&error),
                "failed to undo the begin of a turn"
            );
            tokio::time::sleep(interval).await;
        }
    }

    fn begin_request(&self, lease: &Lease) -> BeginTurn<'_> {
        BeginTurn {
            user: &self.user,
            thread: &self.thread,
            message: &self.message.id,
            parts: &self.message_parts,
            continued: self.continued.as_deref(),
            stream: &self.stream,
            answer: &self.answer,
            model: &self.model_id,
            title: &self.title,
            now_ms: lease.now_ms,
            lease_ms: lease.length_ms,
            question: self.question,
            supersede: self.state.supersede,
            limits: self.state.turn_limits,
        }
    }

    fn lease(&self, invocation: &Invocation) -> Lease {
        let left = invocation
            .deadline
            .saturating_duration_since(Instant::now());
        let length = left + LEASE_MARGIN.min(left / 3);
        Lease {
            now_ms: now_ms(),
            length_ms: u64::try_from(length.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn user_message(&self) -> store::UserMessage<'_> {
        store::UserMessage {
            parts: &self.message_parts,
            created_at_ms: now_ms(),
        }
    }

    /// Stores the user's message. Is idempotent.
    pub(crate) async fn save_message(&self, keys: &TurnKeys) -> Result<(), store::StoreError> {
        self.state
            .store
            .put_user_message(keys, &self.user_message())
            .await
    }
}

/// Returns the beginning of a text as one line without control characters. It is empty if the text
/// has no visible character.
fn title_from(text: &str) -> String {
    let mut title = String::new();
    for word in text.split(|char: char| char.is_whitespace() || char.is_control()) {
        if title.len() >= 4 * MAX_TITLE_CHARS {
            break;
        }
        if !title.is_empty() && !word.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
    }
    title.chars().take(MAX_TITLE_CHARS).collect()
}

/// The lifetime of a turn, identical in every attempt to begin it.
struct Lease {
    now_ms: u64,
    length_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_what_can_be_seen() {
        let long = "word ".repeat(100);
        for (name, text, expected) in [
            ("plain", "Is marzipan sweet?", "Is marzipan sweet?"),
            ("lines", "  a\n\n\tb \u{1b}[31m c\u{0}", "a b [31m c"),
            ("nothing to see", " \n\t ", ""),
            ("long", &long, &long[..MAX_TITLE_CHARS]),
        ] {
            assert_eq!(title_from(text), expected, "{name}");
        }
        assert_eq!(
            title_from(&"ä".repeat(1_000_000)).chars().count(),
            MAX_TITLE_CHARS
        );
    }
}
