//! A turn: one message of the user and its answer.

use std::sync::Arc;

use gateway::{Model, Prompt};
use message::{MessageId, StreamId, ThreadId, UiPart, UserId};
use nanoid::nanoid;
use registry::ModelConfig;
use store::{BeginError, BeginTurn, BegunTurn, Question, Store, TurnKeys};
use tokio::sync::oneshot;
use tokio::time::Instant;
use validation::{ChatRequest, Trigger, extract_text_content};

use crate::clients::{Clients, now_ms};
use crate::error::ApiError;
use crate::failure;
use crate::invocation::Invocation;
use crate::log::{LogWriter, TurnLog, turn_log};
use crate::relay::Relay;

/// How long after its deadline a turn that was never finished counts as dead.
const LEASE_MARGIN_MS: u64 = 5_000;

/// A turn that has passed all checks and is ready to run.
pub(crate) struct Turn {
    pub(crate) store: Store,
    pub(crate) model: Model,
    pub(crate) model_id: String,
    pub(crate) prompt: Prompt,
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    /// The user's message, and its parts as JSON.
    pub(crate) message: MessageId,
    pub(crate) message_parts: String,
    /// This run of the turn.
    pub(crate) stream: StreamId,
    /// The message that answers, and what it holds already if it goes on.
    pub(crate) answer: MessageId,
    pub(crate) answer_parts: Vec<UiPart>,
    title: String,
    question: Question,
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
        let message = request.user_message();
        let message_parts = serde_json::to_string(&message.parts).map_err(|_| ApiError::Lost)?;
        let continued = request.continued_message();
        Ok(Self {
            store: clients.store.clone(),
            model: clients.gateway.model(model),
            model_id: model.id.clone(),
            prompt,
            user,
            message: message.id.clone(),
            message_parts,
            stream: StreamId::parse(&nanoid!()).expect("a nanoid is an id"),
            answer: match continued {
                Some(answer) => answer.id.clone(),
                None => MessageId::parse(&nanoid!()).expect("a nanoid is an id"),
            },
            answer_parts: continued.map(|answer| answer.parts.clone()).unwrap_or_default(),
            title: extract_text_content(message).to_text().chars().take(80).collect(),
            question: match request.trigger {
                Trigger::RegenerateMessage => Question::Regenerated,
                Trigger::SubmitMessage if request.is_edit() => Question::Edited,
                Trigger::SubmitMessage => Question::Sent,
            },
            thread: request.thread_id,
        })
    }

    /// Begins the turn, and lets it run to its end whatever becomes of the request.
    ///
    /// # Errors
    /// The turn could not begin. Its task has ended, and the model was not called.
    pub(crate) async fn start(self, invocation: &Invocation) -> Result<TurnLog, ApiError> {
        let (writer, log) = turn_log();
        let (begun, outcome) = oneshot::channel();
        invocation.spawn(self.run(writer, begun, invocation.clone()));
        outcome.await.map_err(|_| ApiError::Lost)??;
        Ok(log)
    }

    async fn run(self, log: LogWriter, begun: oneshot::Sender<Result<(), ApiError>>, invocation: Invocation) {
        match self.begin(&invocation).await {
            Ok(turn) => {
                // Nobody hears it if the client has left already. The turn goes on.
                let _ = begun.send(Ok(()));
                Box::pin(Relay::new(self, turn.keys, log).run(&invocation)).await;
            }
            Err(error) => {
                let may_have_begun = matches!(&error, BeginError::Store(error) if error.is_retryable());
                let _ = begun.send(Err(error.into()));
                if may_have_begun {
                    self.give_up(&invocation).await;
                }
            }
        }
    }

    async fn begin(&self, invocation: &Invocation) -> Result<BegunTurn, BeginError> {
        self.store.begin_turn(&self.beginning(invocation)).await
    }

    /// A begin whose answer got lost may have been written all the same, and would block the client's next try.
    async fn give_up(&self, invocation: &Invocation) {
        if let Err(error) = self.store.abandon_turn(&self.beginning(invocation)).await {
            let thread_id = self.thread.as_str();
            tracing::warn!(thread_id, error = failure::chain(&error), "a begin was not taken back");
        }
    }

    fn beginning(&self, invocation: &Invocation) -> BeginTurn<'_> {
        let left = invocation.deadline.saturating_duration_since(Instant::now());
        BeginTurn {
            user: &self.user,
            thread: &self.thread,
            message: &self.message,
            stream: &self.stream,
            answer: &self.answer,
            title: &self.title,
            now_ms: now_ms(),
            lease_ms: u64::try_from(left.as_millis()).unwrap_or(u64::MAX).saturating_add(LEASE_MARGIN_MS),
            question: self.question,
        }
    }

    /// Puts the user's message. Doing it twice is the same as doing it once.
    pub(crate) async fn save_message(&self, keys: &TurnKeys) -> Result<(), store::StoreError> {
        let message = store::UserMessage { parts: &self.message_parts, created_at_ms: now_ms() };
        self.store.put_user_message(keys, &message).await
    }
}
