//! A turn: one message of the user and its answer.

use std::sync::Arc;
use std::time::Duration;

use front::{failure, now_ms};
use gateway::{Model, Prompt};
use message::{MessageId, StreamId, ThreadId, UiMessage, UiPart, UserId};
use nanoid::nanoid;
use registry::ModelConfig;
use store::{Begin, BeginTurn, BegunTurn, Cursor, Question, TurnKeys};
use tokio::sync::oneshot;
use tokio::time::Instant;
use validation::{ChatRequest, Trigger, extract_text_content};

use crate::clients::Clients;
use crate::error::ApiError;
use crate::history;
use crate::invocation::Invocation;
use crate::live::Place;
use crate::log::{LogWriter, TurnLog, turn_log};
use crate::relay::Relay;
use crate::replay;

/// How long after its deadline a turn that was never finished counts as dead, at most.
const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// The waits between tries to take a begin back. Until that is done the client's next try finds it running.
const GIVE_UP_PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::ZERO,
];

/// How long a title is at most.
const TITLE_CHARS: usize = 80;

/// How often a begin is tried anew because a turn had to be brought to its end first.
const RECOVERIES: usize = 4;

/// A turn that has passed all checks and is ready to run.
pub(crate) struct Turn {
    pub(crate) clients: Arc<Clients>,
    pub(crate) model: Model,
    pub(crate) model_id: String,
    pub(crate) prompt: Prompt,
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    /// The user's message, and its parts as JSON.
    pub(crate) message: UiMessage,
    message_parts: String,
    /// This run of the turn.
    pub(crate) stream: StreamId,
    /// The message that answers, and what it holds already if it goes on.
    pub(crate) answer: MessageId,
    pub(crate) answer_parts: Vec<UiPart>,
    continued: Option<String>,
    /// The beginning of the message's text, the title of a thread that begins with it. May be empty.
    pub(crate) title: String,
    /// Whether nothing stands before the message, as far as anybody has looked.
    pub(crate) is_first: bool,
    question: Question,
    history_is_stored: bool,
}

/// Where an answer to the request comes from.
enum Beginning {
    /// This turn has begun, and will write it.
    Here(BegunTurn),
    /// Another run of the same message writes it, or has written it.
    There(TurnLog),
}

impl Turn {
    /// The turn that `request` asks for. Nothing is written or spent yet.
    pub(crate) fn new(
        clients: &Arc<Clients>,
        user: UserId,
        request: ChatRequest,
        model: &ModelConfig,
        prompt: Prompt,
    ) -> Result<Self, ApiError> {
        let message = request.user_message().clone();
        let continued = request.continued_message();
        let json = |parts: &[UiPart]| serde_json::to_string(parts).map_err(|_| ApiError::Lost);
        Ok(Self {
            clients: Arc::clone(clients),
            model: clients.gateway.model(model),
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
            title: title_of(&extract_text_content(&message).to_text()),
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

    /// Begins the turn, and lets it run to its end whatever becomes of the request. Where the same message is being
    /// answered already, or has been, that answer is the one that is returned.
    ///
    /// # Errors
    /// The turn could not begin. Its task has ended, and the model was not called.
    pub(crate) async fn start(self, invocation: &Invocation) -> Result<TurnLog, ApiError> {
        let (begun, outcome) = oneshot::channel();
        invocation.spawn(self.run(begun, invocation.clone()));
        outcome.await.map_err(|_| ApiError::Lost)?
    }

    async fn run(
        mut self,
        begun: oneshot::Sender<Result<TurnLog, ApiError>>,
        invocation: Invocation,
    ) {
        let (writer, log) = turn_log();
        let place = self.clients.live.enter(&self.stream, log.clone());
        let lease = self.lease(&invocation);
        match self.begin(&lease, &invocation).await {
            // Nobody hears it if the client has left already.
            Ok(Beginning::There(log)) => drop(begun.send(Ok(log))),
            Err(error) => {
                let may_have_begun = matches!(&error, ApiError::Store(_));
                let _ = begun.send(Err(error));
                if may_have_begun {
                    Box::pin(self.give_up(&lease)).await;
                }
            }
            Ok(Beginning::Here(turn)) => match self.prepare(&turn).await {
                Ok(message_saved) => {
                    let _ = begun.send(Ok(log));
                    self.go(turn, writer, place, message_saved, &invocation)
                        .await;
                }
                Err(error) => {
                    let _ = begun.send(Err(error));
                    Box::pin(self.give_up(&lease)).await;
                }
            },
        }
    }

    async fn go(
        self,
        begun: BegunTurn,
        log: LogWriter,
        place: Place,
        message_saved: bool,
        invocation: &Invocation,
    ) {
        let BegunTurn {
            keys,
            took_over,
            left_behind,
            ..
        } = begun;
        if let Some(older) = took_over {
            self.clients.live.stop(older.stream());
            if older.is_dead(now_ms()) {
                self.clients.recover(older, invocation);
            }
        }
        if let Some(older) = left_behind.filter(|older| older.is_dead(now_ms())) {
            self.clients.recover(older, invocation);
        }
        Box::pin(Relay::new(self, keys, log, place, message_saved).run(invocation)).await;
    }

    /// Begins, once whatever stands in the way has been brought to its end.
    async fn begin(&self, lease: &Lease, invocation: &Invocation) -> Result<Beginning, ApiError> {
        for _ in 0..RECOVERIES {
            match self
                .clients
                .store
                .begin_turn(&self.beginning(lease))
                .await?
            {
                Begin::Begun(begun) => return Ok(Beginning::Here(begun)),
                Begin::Running(open) => {
                    self.clients
                        .store
                        .put_pending_question(&open, &self.user_message())
                        .await?;
                    let log = self
                        .clients
                        .attach(&open, self.answer_parts.clone(), invocation);
                    let busy = || ApiError::TurnInProgress {
                        stream: open.stream().clone(),
                        same_message: true,
                    };
                    return log.map(Beginning::There).ok_or_else(busy);
                }
                Begin::Answered(answered) => {
                    let answer = self.clients.store.answer_of(&answered).await?;
                    let stream = answer
                        .as_ref()
                        .and_then(|answer| replay::stream_of(&self.answer_parts, answer));
                    let stream = stream.ok_or(ApiError::Lost)?;
                    return Ok(Beginning::There(TurnLog::whole(stream)));
                }
                Begin::Recover(open) => {
                    recovery::recover(&self.clients.store, &open, now_ms()).await?;
                }
            }
        }
        Err(ApiError::Lost)
    }

    /// What has to be done before anything is promised to the client: the conversation is loaded where the client
    /// does not send it, and the question is put unless the begin has kept it. Says whether it was put.
    async fn prepare(&mut self, begun: &BegunTurn) -> Result<bool, ApiError> {
        if self.history_is_stored {
            if let Some(older) = &begun.took_over {
                self.clients.end(older).await?;
            }
            let before;
            (self.prompt, before) = self.stored_conversation(&begun.history).await?;
            self.is_first = before == 0;
        }
        if begun.question_kept {
            return Ok(false);
        }
        self.save_message(&begun.keys).await?;
        Ok(true)
    }

    /// The prompt of a client that sends nothing but its message, and how many messages stand before that.
    async fn stored_conversation(&self, before: &Cursor) -> Result<(Prompt, usize), ApiError> {
        let (clients, bytes) = (&self.clients, self.message_parts.len());
        history::prompt(
            clients,
            &self.user,
            &self.thread,
            before,
            &self.message,
            bytes,
        )
        .await
    }

    /// A begin whose answer got lost may have been written all the same, and would block the client's next try.
    async fn give_up(&self, lease: &Lease) {
        for pause in GIVE_UP_PAUSES {
            let beginning = self.beginning(lease);
            let abandon = Box::pin(self.clients.store.abandon_turn(&beginning));
            let Err(error) = abandon.await else { return };
            let thread_id = self.thread.as_str();
            tracing::warn!(
                thread_id,
                error = failure::chain(&error),
                "failed to undo the begin of a turn"
            );
            tokio::time::sleep(pause).await;
        }
    }

    fn beginning(&self, lease: &Lease) -> BeginTurn<'_> {
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
            supersede: self.clients.supersede,
            limits: self.clients.turn_limits,
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

    /// Puts the user's message. Doing it twice is the same as doing it once.
    pub(crate) async fn save_message(&self, keys: &TurnKeys) -> Result<(), store::StoreError> {
        self.clients
            .store
            .put_user_message(keys, &self.user_message())
            .await
    }
}

/// The beginning of a message as one line; nothing where there is nothing to see.
fn title_of(text: &str) -> String {
    let mut title = String::new();
    for word in text.split(|char: char| char.is_whitespace() || char.is_control()) {
        if title.len() >= 4 * TITLE_CHARS {
            break;
        }
        if !title.is_empty() && !word.is_empty() {
            title.push(' ');
        }
        title.push_str(word);
    }
    title.chars().take(TITLE_CHARS).collect()
}

/// How long a turn may live, the same in every try to begin it.
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
            ("long", &long, &long[..TITLE_CHARS]),
        ] {
            assert_eq!(title_of(text), expected, "{name}");
        }
        assert_eq!(
            title_of(&"ä".repeat(1_000_000)).chars().count(),
            TITLE_CHARS
        );
    }
}
