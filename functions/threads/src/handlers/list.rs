//! `GET /api/threads`: a user's threads, newest activity first.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use store::{ThreadPage, ThreadSummary};

use crate::error::ApiError;
#[cfg(test)]
use crate::openapi;
#[cfg(test)]
use crate::query::MAX_PAGE_SIZE;
use crate::query::{Query, encode_cursor};
use crate::response::ok;
use crate::state::AppState;

/// The default number of threads in a page.
pub(crate) const DEFAULT_PAGE_SIZE: usize = 30;

/// Answers with one page of the list and the cursor of the next.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/threads",
    tag = "threads",
    operation_id = "listThreads",
    summary = "List the user's threads, most recently active first",
    params(
        ("limit" = inline(Option<openapi::Limit>), Query, description = "The maximum number of threads to return."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the previous page. Without it, the newest threads."),
    ),
    responses((status = 200, description = "One page of the list", body = ref("#/components/schemas/ThreadList"))),
))]
pub(crate) async fn list(
    State(state): State<Arc<AppState>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = state.authenticate(&headers).await?;
    let query = Query::parse(query.as_deref());
    let (limit, after) = (
        query.limit(DEFAULT_PAGE_SIZE)?,
        query.cursor(|cursor| cursor.parse().ok())?,
    );
    let page = state.store.threads(&user, limit, after.as_ref()).await?;
    Ok(ok(&List::from(&page)))
}

/// One page of the list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ThreadList"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<'a> {
    #[cfg_attr(test, schemars(length(max = MAX_PAGE_SIZE)))]
    threads: Vec<ThreadListItem<'a>>,
    /// The cursor of the next page; `null` after the last.
    next_cursor: Option<String>,
}

/// A thread in the list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ListedThread"))]
#[serde(rename_all = "camelCase")]
struct ThreadListItem<'a> {
    #[cfg_attr(test, schemars(with = "message::ThreadId"))]
    id: &'a str,
    /// The title that the user gave, or the beginning of the first message.
    title: Option<&'a str>,
    /// The time at which the last turn began, in milliseconds since 1970.
    last_activity_at: u64,
}

impl<'a> From<&'a ThreadPage> for List<'a> {
    fn from(page: &'a ThreadPage) -> Self {
        let listed = |thread: &'a ThreadSummary| ThreadListItem {
            id: thread.id.as_str(),
            title: thread.title.as_deref(),
            last_activity_at: thread.last_activity_at_ms,
        };
        Self {
            threads: page.threads.iter().map(listed).collect(),
            next_cursor: page
                .next
                .as_ref()
                .map(|next| encode_cursor(&next.to_string())),
        }
    }
}
