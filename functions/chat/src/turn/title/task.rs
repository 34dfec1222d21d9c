//! The task that generates a title.

use std::sync::Arc;
use std::time::Duration;

use front::{error_chain, millis};
use gateway::{GatewayError, Model, Prompt, PromptError};
use json::JsonText;
use message::{
    MessageId, Role, StreamPart, ThreadId, TokenUsage, UiMessage, UiPart, extract_text_content,
};
use nanoid::nanoid;
use store::{Status, StoreError, TurnKeys, TurnUsage};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::clean::clean;
use crate::invocation::Invocation;
use crate::state::AppState;
use crate::turn::Turn;
use crate::turn::cost::cost;
use crate::turn::record::{Record, to_turn_usage};

/// The system prompt of the title model.
const INSTRUCTION: &str = "Write a title for the conversation that the user shows you, in its language: six words at \
    most, without quotation marks and without a full stop. Do not answer the conversation. Say nothing but the title.";
/// The number of characters of question and answer that the model gets.
const MAX_EXCERPT_CHARS: usize = 1_000;
/// The size limit, in bytes of its parts, of an answer that is parsed for its beginning. Parsing
/// holds it in memory more than once.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// The output limit: a title and a few words around it.
const MAX_TITLE_TOKENS: u32 = 100;
/// The size limit of the draft in bytes, for a model that ignores the token limit.
const MAX_DRAFT_BYTES: usize = 4 * 1024;
/// The timeout of the call.
const TITLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The task that generates the title of one thread.
pub(crate) struct TitleTask {
    state: Arc<AppState>,
    model: Model,
    model_id: String,
    prompt: Prompt,
    thread: ThreadId,
    keys: TurnKeys,
    /// The title that the begin gave the thread.
    initial: Option<String>,
    until: Instant,
    shutdown: CancellationToken,
}

/// The reason why a thread keeps its title.
#[derive(Debug, thiserror::Error)]
enum TitleError {
    #[error("the model call failed")]
    Gateway(#[from] GatewayError),
    #[error("the model reported an error")]
    Model,
    #[error("the model call timed out")]
    TimedOut,
    #[error("the process is shutting down")]
    Shutdown,
    #[error("the model's output contains no title")]
    NoTitle,
    #[error("failed to store the title")]
    Store(#[from] StoreError),
}

/// The result of the call so far. It may hold nothing but its usage.
#[derive(Default)]
struct TitleDraft {
    text: JsonText,
    usage: TurnUsage,
    has_failed: bool,
}

impl TitleTask {
    /// Creates the task for a turn whose answer is stored. Returns `None` if no title model is
    /// configured, if the turn did not begin its thread, or if it did not complete.
    pub(crate) fn from_turn(
        state: &Arc<AppState>,
        turn: &Turn,
        keys: &TurnKeys,
        record: &Record,
        invocation: &Invocation,
    ) -> Option<Self> {
        let config = state.title_model.as_ref()?;
        let is_answered = record.status == Status::Completed && !record.is_empty;
        let until = invocation.cutoff().min(Instant::now() + TITLE_TIMEOUT);
        if !turn.is_first
            || !is_answered
            || until <= Instant::now()
            || invocation.shutdown.is_cancelled()
        {
            return None;
        }
        let prompt = match prompt(state, &turn.message, &record.parts) {
            Ok(prompt) => prompt,
            Err(error) => {
                tracing::warn!(
                    error = error_chain(&error),
                    "failed to build the title request"
                );
                return None;
            }
        };
        Some(Self {
            state: Arc::clone(state),
            model: state
                .gateway
                .model(config)
                .with_max_output_tokens(MAX_TITLE_TOKENS),
            model_id: config.id.clone(),
            prompt,
            thread: turn.ids.thread.clone(),
            keys: keys.clone(),
            initial: (!turn.title.is_empty()).then(|| turn.title.clone()),
            until,
            shutdown: invocation.shutdown.clone(),
        })
    }

    /// Generates the title and logs the outcome in one line.
    pub(crate) async fn run(self) {
        let (thread_id, begun) = (self.thread.as_str(), Instant::now());
        match self.generate_and_store().await {
            Ok(None) => {}
            Ok(Some((is_titled, usage))) => tracing::info!(
                thread_id,
                is_titled,
                duration_ms = millis(begun.elapsed()),
                gen_ai.request.model = self.model_id,
                gen_ai.usage.input_tokens = usage.input,
                gen_ai.usage.output_tokens = usage.output,
                "generated a title"
            ),
            Err(error) => {
                let error = error_chain(&error);
                tracing::warn!(
                    thread_id,
                    gen_ai.request.model = self.model_id,
                    error,
                    "failed to generate a title"
                );
            }
        }
    }

    /// Generates the title and stores it. Returns whether the thread got it, and the usage. `None`:
    /// the model was not called, since the thread has another title already or is gone.
    async fn generate_and_store(&self) -> Result<Option<(bool, TurnUsage)>, TitleError> {
        let (store, initial) = (&self.state.store, self.initial.as_deref());
        if !store.begin_title(&self.keys, initial).await? {
            return Ok(None);
        }
        let mut draft = TitleDraft::default();
        let outcome = self.generate(&mut draft).await;
        // The usage is recorded even if the draft contains no title.
        let title = outcome
            .as_ref()
            .ok()
            .and_then(|()| clean(&draft.text.to_text()));
        let is_titled = store
            .end_title(&self.keys, initial, title.as_deref(), &draft.usage)
            .await?;
        outcome?;
        match title {
            Some(_) => Ok(Some((is_titled, draft.usage))),
            None => Err(TitleError::NoTitle),
        }
    }

    async fn generate(&self, draft: &mut TitleDraft) -> Result<(), TitleError> {
        tokio::select! {
            biased;
            read = timeout_at(self.until, self.read_draft(draft)) => match read {
                Ok(read) => read?,
                Err(_) => return Err(TitleError::TimedOut),
            },
            () = self.shutdown.cancelled() => return Err(TitleError::Shutdown),
        }
        if draft.has_failed {
            Err(TitleError::Model)
        } else {
            Ok(())
        }
    }

    async fn read_draft(&self, draft: &mut TitleDraft) -> Result<(), GatewayError> {
        let mut parts = self.model.stream(&self.prompt, Some(self.until)).await?;
        while let Some(parts) = parts.next().await? {
            parts.into_iter().for_each(|part| draft.push(part));
            if draft.text.escaped().len() > MAX_DRAFT_BYTES {
                break;
            }
        }
        Ok(())
    }
}

impl TitleDraft {
    fn push(&mut self, part: StreamPart) {
        match part {
            StreamPart::TextDelta { delta, .. } => self.text.push(&delta),
            StreamPart::Error { .. } => self.has_failed = true,
            StreamPart::Finish {
                usage,
                provider_metadata,
                ..
            } => {
                let cost = provider_metadata.as_ref().and_then(cost);
                self.usage = to_turn_usage(usage.as_ref().and_then(TokenUsage::reported), cost);
            }
            _ => {}
        }
    }
}

/// Builds the prompt: the beginnings of question and answer in one message, so that the model takes
/// neither for a request.
fn prompt(state: &AppState, question: &UiMessage, answer: &str) -> Result<Prompt, PromptError> {
    let question = excerpt(&extract_text_content(question));
    let answer = answer_text(answer)
        .map(|text| excerpt(&text))
        .unwrap_or_default();
    let conversation = format!("User: {question}\n\nAssistant: {answer}");
    let part = UiPart::Text {
        text: JsonText::new(&conversation),
        state: None,
        provider_metadata: None,
        citations: None,
    };
    let message = UiMessage {
        id: MessageId::parse(&nanoid!()).expect("a nanoid is an id"),
        role: Role::User,
        metadata: None,
        parts: vec![part],
    };
    state.gateway.prompt(Some(INSTRUCTION), &[message])
}

fn answer_text(parts: &str) -> Option<JsonText> {
    if parts.len() > MAX_ANSWER_BYTES {
        return None;
    }
    let mut parts = UiPart::parse_stored(parts).ok()?.into_iter();
    parts.find_map(|part| match part {
        UiPart::Text { text, .. } if !text.is_empty() => Some(text),
        _ => None,
    })
}

fn excerpt(text: &JsonText) -> String {
    text.to_text().chars().take(MAX_EXCERPT_CHARS).collect()
}
