//! `GET /api/threads/{threadId}/messages`: a conversation as `useChat({ messages })` takes it, the
//! newest page first.
//!
//! Parts are sent as they are stored, without parsing. A page is bounded, so that it fits a Lambda
//! response and needs the same memory however long the conversation is.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use front::now_ms;
use http::HeaderMap;
use json::Invalid;
use message::{AnswerMetadata, MessageId, Role};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use store::{Cursor, MessagePage, OpenTurn, Pages, StoredMessage};

use crate::error::ApiError;
#[cfg(test)]
use crate::openapi;
use crate::query::{AddressPart, Query, encode_cursor, thread_id};
use crate::response::{ThreadShape, ok};
use crate::state::AppState;

/// The default number of messages in a page.
pub(crate) const DEFAULT_PAGE_SIZE: usize = 100;

/// The size limit of a page's parts. A Lambda response may have 6 MB, in which the body is a
/// string, so escaped characters count twice. The rest is for the JSON around the parts.
const MAX_ESCAPED_BYTES: usize = 5 * 1024 * 1024;

/// The replacement for parts that exceed the size limit of a response.
const TOO_LONG: &str = "This message is too long to be shown here.";

/// Answers with one page of a conversation and the cursor of the next older one.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/threads/{threadId}/messages",
    tag = "threads",
    operation_id = "listMessages",
    summary = "List a conversation's messages for `useChat`, newest page first",
    params(
        ("threadId" = inline(openapi::Thread), Path, description = "The conversation."),
        ("limit" = inline(Option<openapi::Limit>), Query, description = "The maximum number of messages to return."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page. Without it, the newest messages."),
        ("message" = inline(Option<openapi::Message>), Query, description = "The last message of an older branch."),
    ),
    responses((status = 200, description = "One page of the conversation", body = ref("#/components/schemas/Conversation"))),
))]
pub(crate) async fn messages(
    State(state): State<Arc<AppState>>,
    thread: AddressPart,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = state.authenticate(&headers).await?;
    let id = thread_id(thread)?;
    let query = Query::parse(query.as_deref());
    let mut before = query.cursor(Cursor::parse)?;
    let branch = query.text("message").map(message_id).transpose()?;
    let limit = query.limit(DEFAULT_PAGE_SIZE)?;

    let (thread, current) = state
        .store
        .thread_and_turn(&user, &id)
        .await?
        .ok_or(ApiError::NoThread)?;
    // Before the page is read, so that it shows the recovered answers.
    let running = recovery::running_turn(&state.store, current, now_ms()).await?;
    let open = running
        .as_ref()
        .filter(|_| before.is_none() && branch.is_none());
    let question = open.and_then(OpenTurn::new_question);
    before = before
        .or_else(|| question.as_ref().map(|question| question.cursor.clone()))
        .or_else(|| open.and_then(OpenTurn::path_bound));
    let pages = Pages {
        limit,
        max_bytes: MAX_ESCAPED_BYTES,
        before: before.as_ref(),
        branch: branch.as_ref(),
    };
    let mut page = state
        .store
        .message_page(&user, &id, &pages)
        .await?
        .ok_or(ApiError::NoThread)?;
    if let Some(question) = question {
        add_newest(&mut page, question, limit);
    }
    Ok(ok(&Conversation::new(
        ThreadShape::new(&id, &thread),
        &fit_response(page)?,
        running.as_ref(),
    )))
}

fn message_id(text: &str) -> Result<MessageId, Invalid> {
    MessageId::parse(text).map_err(|problem| Invalid::new("message", problem.to_string()))
}

/// Adds the question that is being answered, which may not be stored yet, to the messages before
/// it.
fn add_newest(page: &mut MessagePage, question: StoredMessage, limit: usize) {
    page.messages.insert(0, question);
    if page.messages.len() > limit {
        page.messages.truncate(limit);
        page.older = page.messages.last().map(|message| message.cursor.clone());
    }
}

/// Truncates a page to the size limit of a response, keeping the newest messages. The next page
/// begins with the rest.
fn fit_response(mut page: MessagePage) -> Result<MessagePage, ApiError> {
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
    Ok(page)
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
    #[cfg_attr(test, schemars(with = "MessageId"))]
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
    fn new(thread: ThreadShape<'a>, page: &'a MessagePage, running: Option<&'a OpenTurn>) -> Self {
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
