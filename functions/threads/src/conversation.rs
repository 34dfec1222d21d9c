//! A page of a conversation as `useChat({ messages })` takes it.
//!
//! Parts are sent as they are stored, without parsing. A page is bounded, so that it fits a Lambda
//! response and needs the same memory however long the conversation is.

use message::{AnswerMetadata, Role};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use store::{MessagePage, OpenTurn, StoredMessage};

use crate::query::encode_cursor;
use crate::response::ThreadShape;

/// The size limit of a page's parts. A Lambda response may have 6 MB, in which the body is a
/// string, so escaped characters count twice. The rest is for the JSON around the parts.
pub(crate) const MAX_ESCAPED_BYTES: usize = 5 * 1024 * 1024;

/// The replacement for parts that exceed the size limit of a response.
const TOO_LONG: &str = "This message is too long to be shown here.";

/// Adds the question that is being answered, which may not be stored yet, to the messages before
/// it.
pub(crate) fn add_newest(page: &mut MessagePage, question: StoredMessage, limit: usize) {
    page.messages.insert(0, question);
    if page.messages.len() > limit {
        page.messages.truncate(limit);
        page.older = page.messages.last().map(|message| message.cursor.clone());
    }
}

/// Truncates a page to the size limit of a response, keeping the newest messages. The next page
/// begins with the rest.
pub(crate) fn fit_response(mut page: MessagePage) -> MessagePage {
    let mut room = MAX_ESCAPED_BYTES;
    let mut count = 0;
    for message in &mut page.messages {
        let size = escaped_len(&message.parts);
        if size > MAX_ESCAPED_BYTES {
            message.parts = json!([{ "type": "text", "text": TOO_LONG }])
                .to_string()
                .into();
        }
        let Some(rest) = room.checked_sub(escaped_len(&message.parts)) else {
            break;
        };
        (room, count) = (rest, count + 1);
    }
    if count < page.messages.len() {
        page.messages.truncate(count);
        page.older = page.messages.last().map(|message| message.cursor.clone());
    }
    page
}

/// Returns the length of a JSON text as a string in another JSON text.
fn escaped_len(text: &str) -> usize {
    text.len()
        + text
            .bytes()
            .filter(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t'))
            .count()
}

/// One page of a conversation.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conversation<'a> {
    thread: ThreadShape<'a>,
    /// The messages, oldest first.
    messages: Vec<UiMessageShape<'a>>,
    /// The cursor of the next older page; `null` after the oldest.
    next_cursor: Option<String>,
    /// The answer that is being written, if there is one. `GET /api/chat/{threadId}/stream` streams
    /// it.
    running: Option<Running<'a>>,
}

/// A running turn.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Running<'a> {
    #[cfg_attr(test, schemars(with = "message::StreamId"))]
    stream_id: &'a str,
}

/// A message in the AI SDK's format.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "StoredMessage"))]
struct UiMessageShape<'a> {
    #[cfg_attr(test, schemars(with = "message::MessageId"))]
    id: &'a str,
    #[cfg_attr(test, schemars(with = "message::Role"))]
    role: &'static str,
    /// The metadata of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a AnswerMetadata>,
    #[cfg_attr(test, schemars(with = "Vec<message::UiPart>"))]
    parts: &'a RawValue,
}

impl<'a> Conversation<'a> {
    /// Creates the response for a page of the thread.
    pub(crate) fn new(
        thread: ThreadShape<'a>,
        page: &'a MessagePage,
        running: Option<&'a OpenTurn>,
    ) -> Self {
        Self {
            thread,
            messages: page.messages.iter().rev().filter_map(to_shape).collect(),
            next_cursor: page
                .older
                .as_ref()
                .map(|older| encode_cursor(older.as_str())),
            running: running.map(|open| Running {
                stream_id: open.stream().as_str(),
            }),
        }
    }
}

/// Converts a message. Logs a message that cannot be parsed and returns `None`.
fn to_shape(message: &StoredMessage) -> Option<UiMessageShape<'_>> {
    let parts = match serde_json::from_str(&message.parts) {
        Ok(parts) => parts,
        Err(error) => {
            let message_id = message.id.as_str();
            tracing::error!(
                message_id,
                error = error.to_string(),
                "failed to parse a stored message"
            );
            return None;
        }
    };
    let role = match message.role {
        Role::User => "user",
        Role::Assistant => "assistant",
    };
    Some(UiMessageShape {
        id: message.id.as_str(),
        role,
        metadata: message.metadata.as_ref(),
        parts,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_in_a_response_as_calculated() {
        for text in [
            r#"[{"type":"text","text":"plain ä"}]"#,
            r#"[{"type":"text","text":"a \"quoted\" \\ word\n\u0000"}]"#,
            "[{\n\t\"type\": \"text\",\r\n\t\"text\": \"\"\n}]",
        ] {
            let escaped = serde_json::to_string(text).unwrap();
            assert_eq!(escaped_len(text), escaped.len() - 2, "{text}");
        }
    }
}
