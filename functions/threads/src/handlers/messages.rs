//! `GET /api/threads/{threadId}/messages`: a conversation as `useChat({ messages })` takes it, the
//! newest page first.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use front::now_ms;
use http::HeaderMap;
use json::Invalid;
use message::MessageId;
use store::{Cursor, OpenTurn, Pages};

use crate::conversation::{Conversation, MAX_ESCAPED_BYTES, add_newest, fit_response};
use crate::error::ApiError;
#[cfg(test)]
use crate::openapi;
use crate::query::{PathPart, Query, thread_id};
use crate::response::{ThreadShape, ok};
use crate::state::AppState;

/// The default number of messages in a page.
pub(crate) const DEFAULT_PAGE_SIZE: usize = 100;

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
    thread: PathPart,
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
        &fit_response(page),
        running.as_ref(),
    )))
}

fn message_id(text: &str) -> Result<MessageId, Invalid> {
    MessageId::parse(text).map_err(|problem| Invalid::new("message", problem.to_string()))
}
