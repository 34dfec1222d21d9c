//! A turn: one message of the user and its answer.
//!
//! This file holds the data of a turn, which its task ([`task`]) begins, relays and ends.

pub(crate) mod attach;
mod begin;
mod cost;
mod ending;
mod finalize;
mod history;
mod output;
mod record;
mod recorder;
pub(crate) mod recover;
mod relay;
pub(crate) mod stop;
pub(crate) mod task;
mod title;
mod watch;

use front::now_ms;
use message::{MessageId, StreamId, ThreadId, UiMessage, UiPart, UserId, extract_text_content};
use nanoid::nanoid;
use store::{MAX_TITLE_CHARS, Question, UserMessage};
use validation::{ChatRequest, Trigger};

use crate::error::ApiError;

/// The request for a turn, and the identity of its run.
pub(crate) struct Turn {
    pub(crate) ids: TurnIds,
    /// The user's message, and its parts as JSON.
    pub(crate) message: UiMessage,
    pub(crate) message_parts: String,
    /// The existing parts of the answer if the turn continues one, and the same as JSON.
    pub(crate) answer_parts: Vec<UiPart>,
    pub(crate) continued: Option<String>,
    /// The beginning of the message's text, which becomes the title of a new thread. May be empty.
    pub(crate) title: String,
    pub(crate) question: Question,
    /// Set when no message precedes this one, as far as is known.
    pub(crate) is_first: bool,
    /// Set when the client sends only its last message.
    pub(crate) history_is_stored: bool,
}

/// The names of a turn, for the log and for the store.
pub(crate) struct TurnIds {
    pub(crate) user: UserId,
    pub(crate) thread: ThreadId,
    /// The id of the user's message.
    pub(crate) message: MessageId,
    /// The id of this run of the turn.
    pub(crate) stream: StreamId,
    /// The id of the answer.
    pub(crate) answer: MessageId,
    /// The id of the model.
    pub(crate) model: String,
}

impl Turn {
    /// Creates the turn that `request` describes. Writes nothing and spends nothing.
    pub(crate) fn new(user: UserId, request: ChatRequest, model: &str) -> Result<Self, ApiError> {
        let message = request.user_message().clone();
        let continued = request.continued_message();
        let json = |parts: &[UiPart]| serde_json::to_string(parts).map_err(|_| ApiError::Internal);
        Ok(Self {
            message_parts: json(&message.parts)?,
            answer_parts: continued
                .map(|answer| answer.parts.clone())
                .unwrap_or_default(),
            continued: continued.map(|answer| json(&answer.parts)).transpose()?,
            title: title_from(&extract_text_content(&message).to_text()),
            question: question_of(&request),
            is_first: request.messages.len() == 1,
            history_is_stored: request.history_is_stored,
            ids: TurnIds {
                user,
                message: message.id.clone(),
                stream: StreamId::parse(&nanoid!()).expect("a nanoid is an id"),
                answer: match continued {
                    Some(answer) => answer.id.clone(),
                    None => MessageId::parse(&nanoid!()).expect("a nanoid is an id"),
                },
                model: model.to_owned(),
                thread: request.thread_id,
            },
            message,
        })
    }

    /// Returns the user's message as it is stored.
    pub(crate) fn user_message(&self) -> UserMessage<'_> {
        user_message(&self.message_parts)
    }
}

/// Returns a message of the user with these `parts` as it is stored now.
pub(crate) fn user_message(parts: &str) -> UserMessage<'_> {
    UserMessage {
        parts,
        created_at_ms: now_ms(),
    }
}

fn question_of(request: &ChatRequest) -> Question {
    match request.trigger {
        Trigger::RegenerateMessage => Question::Regenerated,
        Trigger::SubmitMessage if request.continued_message().is_some() => Question::Continued,
        Trigger::SubmitMessage if request.is_edit() => Question::Edited,
        Trigger::SubmitMessage => Question::Sent,
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
