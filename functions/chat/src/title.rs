//! The title of a new thread, made by a model once the first answer is stored and its stream has ended.
//!
//! Nobody waits for it and nothing depends on it: if it cannot be made, the thread keeps its first question's
//! beginning. The invocation is held open for it as for everything that is written after a response.

mod clean;

use std::sync::Arc;
use std::time::Duration;

use front::failure;
use gateway::{GatewayError, Model, Prompt, PromptError, StreamPart};
use message::{
    JsonText, MessageId, Role, ThreadId, TokenUsage, UiMessage, UiPart, extract_text_content,
};
use nanoid::nanoid;
use store::{Status, StoreError, TurnKeys, TurnUsage};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use self::clean::clean;
use crate::clients::Clients;
use crate::invocation::Invocation;
use crate::recorder::{Record, used};
use crate::relay;
use crate::turn::Turn;

/// What the model is told to do.
const INSTRUCTION: &str = "Write a title for the conversation that the user shows you, in its language: six words at \
    most, without quotation marks and without a full stop. Do not answer the conversation. Say nothing but the title.";
/// How much of question and answer the model is shown, in characters.
const SHOWN: usize = 1_000;
/// A longer answer is not read again for its beginning, in bytes of its parts: it stands in memory more than once.
const READABLE: usize = 1024 * 1024;
/// How much the model may say: a title, and a word or two that is none.
const TITLE_TOKENS: u32 = 100;
/// What is more than any title, in bytes, from a model that heeds no limit.
const TOO_LONG: usize = 4 * 1024;
/// How long the call may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes the title of one thread.
pub(crate) struct Titling {
    clients: Arc<Clients>,
    model: Model,
    model_id: String,
    prompt: Prompt,
    thread: ThreadId,
    keys: TurnKeys,
    /// The title that the thread began with.
    first: Option<String>,
    until: Instant,
    shutdown: CancellationToken,
}

/// Why a thread keeps the title that it has.
#[derive(Debug, thiserror::Error)]
enum TitleError {
    #[error("the model gave no title")]
    Gateway(#[from] GatewayError),
    #[error("the model reported an error")]
    Model,
    #[error("the model took too long")]
    TimedOut,
    #[error("the process was asked to go")]
    Shutdown,
    #[error("the model said nothing that is a title")]
    Useless,
    #[error("the title could not be stored")]
    Store(#[from] StoreError),
}

/// What came of the call, be it nothing but its price.
#[derive(Default)]
struct Said {
    text: JsonText,
    usage: TurnUsage,
    has_failed: bool,
}

impl Titling {
    /// What there is to do after this turn, whose answer is stored. `None`: no model is there to make titles, or the
    /// turn did not begin its thread, or it did not end well.
    pub(crate) fn after(
        turn: &Turn,
        keys: &TurnKeys,
        record: &Record,
        invocation: &Invocation,
    ) -> Option<Self> {
        let config = turn.clients.title_model.as_ref()?;
        let is_answered = record.status == Status::Completed && !record.is_empty;
        let until = invocation.cutoff().min(Instant::now() + PATIENCE);
        if !turn.is_first
            || !is_answered
            || until <= Instant::now()
            || invocation.shutdown.is_cancelled()
        {
            return None;
        }
        let prompt = match prompt(&turn.clients, &turn.message, &record.parts) {
            Ok(prompt) => prompt,
            Err(error) => {
                tracing::warn!(
                    error = failure::chain(&error),
                    "failed to build the title request"
                );
                return None;
            }
        };
        Some(Self {
            clients: Arc::clone(&turn.clients),
            model: turn.clients.gateway.model(config).limited_to(TITLE_TOKENS),
            model_id: config.id.clone(),
            prompt,
            thread: turn.thread.clone(),
            keys: keys.clone(),
            first: Some(turn.title.clone()).filter(|title| !title.is_empty()),
            until,
            shutdown: invocation.shutdown.clone(),
        })
    }

    /// Makes it, and says in one line what came of it.
    pub(crate) async fn run(self) {
        let (thread_id, begun) = (self.thread.as_str(), Instant::now());
        match self.make().await {
            Ok(None) => {}
            Ok(Some((is_titled, usage))) => tracing::info!(
                thread_id,
                is_titled,
                duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
                gen_ai.request.model = self.model_id,
                gen_ai.usage.input_tokens = usage.input,
                gen_ai.usage.output_tokens = usage.output,
                "generated a title"
            ),
            Err(error) => {
                let error = failure::chain(&error);
                tracing::warn!(
                    thread_id,
                    gen_ai.request.model = self.model_id,
                    error,
                    "failed to generate a title"
                );
            }
        }
    }

    /// Whether the thread has got its title, and what that used. `None`: it was not asked for, since the thread has
    /// another title already, or is gone.
    async fn make(&self) -> Result<Option<(bool, TurnUsage)>, TitleError> {
        let (store, first) = (&self.clients.store, self.first.as_deref());
        if !store.begin_title(&self.keys, first).await? {
            return Ok(None);
        }
        let mut said = Said::default();
        let outcome = self.ask(&mut said).await;
        // What was said counts, also if it is of no use.
        let title = outcome
            .as_ref()
            .ok()
            .and_then(|()| clean(&said.text.to_text()));
        let is_titled = store
            .end_title(&self.keys, first, title.as_deref(), &said.usage)
            .await?;
        outcome?;
        match title {
            Some(_) => Ok(Some((is_titled, said.usage))),
            None => Err(TitleError::Useless),
        }
    }

    async fn ask(&self, said: &mut Said) -> Result<(), TitleError> {
        tokio::select! {
            biased;
            listened = timeout_at(self.until, self.listen(said)) => match listened {
                Ok(listened) => listened?,
                Err(_) => return Err(TitleError::TimedOut),
            },
            () = self.shutdown.cancelled() => return Err(TitleError::Shutdown),
        }
        if said.has_failed {
            Err(TitleError::Model)
        } else {
            Ok(())
        }
    }

    async fn listen(&self, said: &mut Said) -> Result<(), GatewayError> {
        let mut parts = self.model.stream(&self.prompt, Some(self.until)).await?;
        while let Some(parts) = parts.next().await? {
            parts.into_iter().for_each(|part| said.hear(part));
            if said.text.escaped().len() > TOO_LONG {
                break;
            }
        }
        Ok(())
    }
}

impl Said {
    fn hear(&mut self, part: StreamPart) {
        match part {
            StreamPart::TextDelta { delta, .. } => self.text.push(&delta),
            StreamPart::Error { .. } => self.has_failed = true,
            StreamPart::Finish {
                usage,
                provider_metadata,
                ..
            } => {
                let cost = provider_metadata.as_ref().and_then(relay::cost);
                self.usage = used(usage.as_ref().and_then(TokenUsage::reported), cost);
            }
            _ => {}
        }
    }
}

/// What the model is asked: the beginnings of question and answer, in one message, so that it takes neither for a
/// request.
fn prompt(clients: &Clients, question: &UiMessage, answer: &str) -> Result<Prompt, PromptError> {
    let question = beginning(&extract_text_content(question));
    let answer = answer_text(answer)
        .map(|text| beginning(&text))
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
    clients.gateway.prompt(Some(INSTRUCTION), &[message])
}

fn answer_text(parts: &str) -> Option<JsonText> {
    if parts.len() > READABLE {
        return None;
    }
    let mut parts = UiPart::parse_stored(parts).ok()?.into_iter();
    parts.find_map(|part| match part {
        UiPart::Text { text, .. } if !text.is_empty() => Some(text),
        _ => None,
    })
}

fn beginning(text: &JsonText) -> String {
    text.to_text().chars().take(SHOWN).collect()
}
