//! `GET /api/threads/{threadId}/messages`: a conversation as `useChat({ messages })` takes it, the newest part first.
//!
//! Parts go out as they are stored, unread. A part of a conversation is bounded, so that it fits a Lambda response and
//! costs the same memory however long the conversation is.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use front::{failure, now_ms};
use http::HeaderMap;
use message::{AnswerMetadata, Invalid, MessageId, Role, ThreadId, UserId};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use store::{CurrentTurn, Cursor, MessagePage, OpenTurn, Pages, StoredMessage, Thread};

use crate::clients::Clients;
use crate::error::ApiError;
#[cfg(test)]
use crate::openapi;
use crate::query::{AddressPart, Query, opaque, thread_id};
use crate::shapes::{ThreadShape, ok};

/// How many messages a page shows unless it asks for fewer.
pub(crate) const USUAL: usize = 100;

/// A Lambda response may have 6 MB, in which the body is a string: whatever has to be escaped in it counts twice. This
/// much is for parts, the rest for what is round them.
const MOST_ESCAPED_BYTES: usize = 5 * 1024 * 1024;

/// Stands for parts that no response can hold.
const TOO_LONG: &str = "This message is too long to be shown here.";

/// Answers with one part of a conversation, and where the older ones are.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/threads/{threadId}/messages",
    tag = "threads",
    operation_id = "listMessages",
    summary = "A conversation as `useChat` takes it, the newest part first",
    params(
        ("threadId" = inline(openapi::Thread), Path, description = "The conversation."),
        ("limit" = inline(Option<openapi::Limit>), Query, description = "How many messages to show at most."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the part before. Without it the newest are shown."),
        ("message" = inline(Option<openapi::Message>), Query, description = "The last message of an older branch."),
    ),
    responses((status = 200, description = "One part of the conversation", body = ref("#/components/schemas/Conversation"))),
))]
pub(crate) async fn messages(
    State(clients): State<Arc<Clients>>,
    thread: AddressPart,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = clients.authenticate(&headers).await?;
    let id = thread_id(thread)?;
    let query = Query::parse(query.as_deref());
    let mut before = query.cursor(Cursor::parse)?;
    let branch = query.text("message").map(message_id).transpose()?;
    let limit = query.limit(USUAL)?;

    let (thread, running) = clients
        .settled(&user, &id)
        .await?
        .ok_or(ApiError::NoThread)?;
    let open = running
        .as_ref()
        .filter(|_| before.is_none() && branch.is_none());
    let question = open.and_then(OpenTurn::new_question);
    before = before
        .or_else(|| question.as_ref().map(|question| question.cursor.clone()))
        .or_else(|| open.and_then(OpenTurn::path_bound));
    let pages = Pages {
        limit,
        max_bytes: MOST_ESCAPED_BYTES,
        before: before.as_ref(),
        branch: branch.as_ref(),
    };
    let mut page = clients
        .store
        .message_page(&user, &id, &pages)
        .await?
        .ok_or(ApiError::NoThread)?;
    if let Some(question) = question {
        add_newest(&mut page, question, limit);
    }
    Ok(ok(&Conversation::new(
        ThreadShape::new(&id, &thread),
        &fitting(page)?,
        running.as_ref(),
    )))
}

impl Clients {
    /// A thread and the turn that runs in it. One that died, or was left behind, is brought to its end first.
    async fn settled(
        &self,
        user: &UserId,
        id: &ThreadId,
    ) -> Result<Option<(Thread, Option<OpenTurn>)>, ApiError> {
        let Some((
            thread,
            CurrentTurn {
                open, left_behind, ..
            },
        )) = self.store.thread_and_turn(user, id).await?
        else {
            return Ok(None);
        };
        let now_ms = now_ms();
        let (dead, running) = match open {
            Some(open) if open.is_dead(now_ms) => (Some(open), None),
            open => (None, open),
        };
        for turn in dead.iter().chain(&left_behind) {
            self.recover(turn, now_ms).await?;
        }
        Ok(Some((thread, running)))
    }

    /// What cannot be recovered must not keep the rest of the conversation from being read.
    async fn recover(&self, turn: &OpenTurn, now_ms: u64) -> Result<(), ApiError> {
        match recovery::recover(&self.store, turn, now_ms).await {
            Err(error) if !error.is_retryable() => {
                let stream_id = turn.stream().as_str();
                let error = failure::chain(&error);
                tracing::error!(stream_id, error, "failed to recover a turn");
                Ok(())
            }
            recovered => Ok(recovered.map(|_| ())?),
        }
    }
}

fn message_id(text: &str) -> Result<MessageId, Invalid> {
    MessageId::parse(text).map_err(|problem| Invalid::new("message", problem.to_string()))
}

/// Adds the question that is being answered, which may not be stored yet, to what stands before it.
fn add_newest(page: &mut MessagePage, question: StoredMessage, limit: usize) {
    page.messages.insert(0, question);
    if page.messages.len() > limit {
        page.messages.truncate(limit);
        page.older = page.messages.last().map(|message| message.cursor.clone());
    }
}

/// As much of the page as a response can hold, newest first. The rest is older, and asked for next.
fn fitting(mut page: MessagePage) -> Result<MessagePage, ApiError> {
    let mut room = MOST_ESCAPED_BYTES;
    let mut count = 0;
    for message in &mut page.messages {
        let size = escaped_len(&message.parts);
        if size > MOST_ESCAPED_BYTES {
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

/// How long a JSON text is as a string in another.
fn escaped_len(text: &str) -> usize {
    text.len()
        + text
            .bytes()
            .filter(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\r' | b'\t'))
            .count()
}

/// One part of a conversation.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conversation<'a> {
    thread: ThreadShape<'a>,
    /// Oldest first.
    messages: Vec<UiMessageShape<'a>>,
    /// Where the older part begins; `null` after the oldest.
    next_cursor: Option<String>,
    /// The answer that is being written, if one is: `GET /api/chat/{threadId}/stream` has it.
    running: Option<Running<'a>>,
}

/// A turn that runs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Running<'a> {
    #[cfg_attr(test, schemars(with = "message::StreamId"))]
    stream_id: &'a str,
}

/// A message as the AI SDK has it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "StoredMessage"))]
struct UiMessageShape<'a> {
    #[cfg_attr(test, schemars(with = "MessageId"))]
    id: &'a str,
    #[cfg_attr(test, schemars(with = "message::Role"))]
    role: &'static str,
    /// Of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a AnswerMetadata>,
    #[cfg_attr(test, schemars(with = "Vec<message::UiPart>"))]
    parts: &'a RawValue,
}

impl<'a> Conversation<'a> {
    fn new(thread: ThreadShape<'a>, page: &'a MessagePage, running: Option<&'a OpenTurn>) -> Self {
        Self {
            thread,
            messages: page.messages.iter().rev().filter_map(shape).collect(),
            next_cursor: page.older.as_ref().map(|older| opaque(older.as_str())),
            running: running.map(|open| Running {
                stream_id: open.stream().as_str(),
            }),
        }
    }
}

/// What cannot be read is left out, and logged.
fn shape(message: &StoredMessage) -> Option<UiMessageShape<'_>> {
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
    fn a_text_is_as_long_in_a_response_as_it_was_reckoned() {
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
