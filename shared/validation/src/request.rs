//! The body of `POST /api/chat`, as `useChat` sends it.

use json::{Invalid, Object};
use message::{MessageId, Role, ThreadId, UiMessage};
use serde_json::value::RawValue;

use crate::{Limits, RequestError, messages, scan};

/// The maximum length of the name of a model.
pub(crate) const MAX_MODEL_BYTES: usize = 200;

/// A validated request of a client. Fields that are not listed here are ignored, at the top level
/// and in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatRequest {
    /// The id of the conversation: `threadId`, or the `id` that the SDK's transport sends if there
    /// is none.
    pub thread_id: ThreadId,
    /// The requested model, of at most 200 bytes. The registry decides whether it exists.
    pub model: Option<String>,
    /// The conversation so far, as the client holds it, with at least one message of the user.
    pub messages: Vec<UiMessage>,
    /// True if the client sent only its last `message`: the earlier messages are in the store.
    pub history_is_stored: bool,
    /// The reason for the request.
    pub trigger: Trigger,
    /// The message that the request refers to: the edited one, the one to regenerate (which is no
    /// longer among `messages`), or the continued one. A plain question has none.
    pub message_id: Option<MessageId>,
}

/// The reason for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// A new or edited message, or the continuation of an answer. An absent `trigger` means the
    /// same.
    SubmitMessage,
    /// A repeated question, for another answer.
    RegenerateMessage,
}

impl ChatRequest {
    /// Parses `body`, in time and memory linear in its length. The error names the first problem.
    pub fn parse(body: &[u8], limits: &Limits) -> Result<Self, RequestError> {
        let document = parse_document(scan::read_text(body, limits)?)?;
        let fields = parse_top_level(document)?;
        Ok(Self {
            thread_id: parse_thread_id(&fields)?,
            model: parse_model(&fields)?,
            trigger: parse_trigger(&fields)?,
            message_id: parse_message_id(&fields)?,
            history_is_stored: fields.get("messages").is_none(),
            messages: messages::parse(&fields, limits)?,
        })
    }

    /// Returns the message that this turn answers: the last one of the user.
    pub fn user_message(&self) -> &UiMessage {
        let mut messages = self.messages.iter();
        messages
            .rfind(|message| message.role == Role::User)
            .expect("parse refuses a request without one")
    }

    /// Returns the answer that this turn continues, under the same id, after a tool's result, an
    /// approval or a send without a new message: the last message, if it is the assistant's.
    pub fn continued_message(&self) -> Option<&UiMessage> {
        self.messages
            .last()
            .filter(|message| message.role == Role::Assistant)
    }

    /// Returns true if the user changed an earlier message: it has its previous id and other
    /// content.
    pub fn is_edit(&self) -> bool {
        self.trigger == Trigger::SubmitMessage
            && self.continued_message().is_none()
            && self.message_id.as_ref() == Some(&self.user_message().id)
    }
}

fn parse_model(fields: &Object<'_>) -> Result<Option<String>, Invalid> {
    match fields.optional_string("model")? {
        Some(id) if id.len() > MAX_MODEL_BYTES => Err(Invalid::new(
            "model",
            format!("must have at most {MAX_MODEL_BYTES} bytes"),
        )),
        model => Ok(model),
    }
}

/// Checks the syntax of the complete body, also of parts that are ignored or carried later.
fn parse_document(text: &str) -> Result<&RawValue, RequestError> {
    serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let error_text = error.to_string();
        let problem = error_text
            .split_once(" at line ")
            .map_or(error_text.as_str(), |(problem, _)| problem);
        RequestError::NotJson {
            line,
            column,
            problem: problem.to_owned(),
        }
    })
}

fn parse_top_level(document: &RawValue) -> Result<Object<'_>, Invalid> {
    Object::parse(document, "").map_err(|invalid| Invalid {
        field: "body".to_owned(),
        ..invalid
    })
}

fn parse_thread_id(fields: &Object<'_>) -> Result<ThreadId, Invalid> {
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

fn parse_message_id(fields: &Object<'_>) -> Result<Option<MessageId>, Invalid> {
    let Some(text) = fields.optional_text("messageId")? else {
        return Ok(None);
    };
    let id = MessageId::parse(&text.to_text())
        .map_err(|invalid| Invalid::new("messageId", invalid.to_string()))?;
    Ok(Some(id))
}

fn parse_trigger(fields: &Object<'_>) -> Result<Trigger, Invalid> {
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
