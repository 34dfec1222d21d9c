//! The body of `POST /api/chat`, as `useChat` sends it.

use message::{Invalid, MessageId, Object, Role, ThreadId, UiMessage};
use serde_json::value::RawValue;

use crate::{Limits, RequestError, messages, scan};

/// How long the name of a model may be.
pub(crate) const MOST_MODEL_BYTES: usize = 200;

/// What a client asks. Fields that are not listed here are ignored, at the top and in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRequest {
    /// The conversation: `threadId`, or the `id` that the SDK's transport sends when there is none.
    pub thread_id: ThreadId,
    /// The model asked for: at most 200 bytes. Whether there is such a model is for the registry to say.
    pub model: Option<String>,
    /// The conversation so far, as the client holds it, with at least one message of the user.
    pub messages: Vec<UiMessage>,
    /// Whether the client sent nothing but its last `message`: what came before it is in the store.
    pub history_is_stored: bool,
    /// What made the client ask.
    pub trigger: Trigger,
    /// The message that the request is about: the edited one, the one to make anew (which is no longer among
    /// `messages`), or the continued one. A plain question has none.
    pub message_id: Option<MessageId>,
}

/// What made the client ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A new or edited message, or the continuation of an answer. Also what an absent `trigger` means.
    SubmitMessage,
    /// The same question once more, for another answer.
    RegenerateMessage,
}

impl ChatRequest {
    /// Reads `body`, in time and memory linear in its length. The error names the first thing that is wrong.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, RequestError> {
        let document = document(scan::text_of(body, limits)?)?;
        let fields = top_level(document)?;
        Ok(Self {
            thread_id: thread_id(&fields)?,
            model: model(&fields)?,
            trigger: trigger(&fields)?,
            message_id: message_id(&fields)?,
            history_is_stored: fields.get("messages").is_none(),
            messages: messages::parse(&fields, limits)?,
        })
    }

    /// The message that this turn answers: the last one of the user.
    pub fn user_message(&self) -> &UiMessage {
        let mut messages = self.messages.iter();
        messages
            .rfind(|message| message.role == Role::User)
            .expect("parse refuses a request without one")
    }

    /// The answer that this turn goes on with, under the same id, after a tool's result, an approval or a send
    /// without a new message: the last message, if it is the assistant's.
    pub fn continued_message(&self) -> Option<&UiMessage> {
        self.messages
            .last()
            .filter(|message| message.role == Role::Assistant)
    }

    /// Whether the user changed an earlier message: it comes under the id that it had, with another content.
    pub fn is_edit(&self) -> bool {
        self.trigger == Trigger::SubmitMessage
            && self.continued_message().is_none()
            && self.message_id.as_ref() == Some(&self.user_message().id)
    }
}

fn model(fields: &Object<'_>) -> Result<Option<String>, Invalid> {
    match fields.optional_string("model")? {
        Some(id) if id.len() > MOST_MODEL_BYTES => Err(Invalid::new(
            "model",
            format!("must have at most {MOST_MODEL_BYTES} bytes"),
        )),
        model => Ok(model),
    }
}

/// Checks the syntax of the whole, also of what is ignored or carried later.
fn document(text: &str) -> Result<&RawValue, RequestError> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let whole = error.to_string();
        let problem = whole
            .split_once(" at line ")
            .map_or(whole.as_str(), |(problem, _)| problem);
        RequestError::NotJson {
            line,
            column,
            problem: problem.to_owned(),
        }
    })
}

fn top_level(document: &RawValue) -> Result<Object<'_>, Invalid> {
    Object::parse(document, "").map_err(|invalid| Invalid {
        field: "body".to_owned(),
        ..invalid
    })
}

fn thread_id(fields: &Object<'_>) -> Result<ThreadId, Invalid> {
    let key = if fields.get("threadId").is_none() && fields.get("id").is_some() {
        "id"
    } else {
        "threadId"
    };
    let text = fields
        .optional_text(key)?
        .ok_or_else(|| Invalid::new(key, "is required, or id instead of it"))?;
    ThreadId::parse(&text.to_text()).map_err(|invalid| Invalid::new(key, invalid.to_string()))
}

fn message_id(fields: &Object<'_>) -> Result<Option<MessageId>, Invalid> {
    let Some(text) = fields.optional_text("messageId")? else {
        return Ok(None);
    };
    let id = MessageId::parse(&text.to_text())
        .map_err(|invalid| Invalid::new("messageId", invalid.to_string()))?;
    Ok(Some(id))
}

fn trigger(fields: &Object<'_>) -> Result<Trigger, Invalid> {
    match fields.optional_string("trigger")?.as_deref() {
        None | Some("submit-message") => Ok(Trigger::SubmitMessage),
        Some("regenerate-message") => Ok(Trigger::RegenerateMessage),
        Some(_) => Err(Invalid::new(
            "trigger",
            "must be submit-message or regenerate-message",
        )),
    }
}

#[cfg(test)]
mod tests;
