//! `GET /api/threads`: a user's threads, newest activity first.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use store::{ThreadPage, ThreadSummary};

use crate::clients::Clients;
use crate::error::ApiError;
#[cfg(test)]
use crate::openapi;
#[cfg(test)]
use crate::query::MOST;
use crate::query::{Query, opaque};
use crate::shapes::ok;

/// How many threads a page shows unless it asks for more or fewer.
pub(crate) const USUAL: usize = 30;

/// Answers with one part of the list, and where the next begins.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/threads",
    tag = "threads",
    operation_id = "listThreads",
    summary = "The user's threads, newest activity first",
    params(
        ("limit" = inline(Option<openapi::Limit>), Query, description = "How many to show at most."),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the part before. Without it the newest are shown."),
    ),
    responses((status = 200, description = "One part of the list", body = ref("#/components/schemas/ThreadList"))),
))]
pub(crate) async fn list(
    State(clients): State<Arc<Clients>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = clients.authenticate(&headers).await?;
    let query = Query::parse(query.as_deref());
    let (limit, after) = (
        query.limit(USUAL)?,
        query.cursor(|place| place.parse().ok())?,
    );
    let page = clients.store.threads(&user, limit, after.as_ref()).await?;
    Ok(ok(&List::from(&page)))
}

/// One part of the list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ThreadList"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct List<'a> {
    #[cfg_attr(test, schemars(length(max = MOST)))]
    threads: Vec<Listed<'a>>,
    /// Where the next part begins; `null` after the last.
    next_cursor: Option<String>,
}

/// A thread in the list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ListedThread"))]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    #[cfg_attr(test, schemars(with = "message::ThreadId"))]
    id: &'a str,
    /// What the user calls it, or how its first message begins.
    title: Option<&'a str>,
    /// In milliseconds since 1970: when the last turn began.
    last_activity_at: u64,
}

impl<'a> From<&'a ThreadPage> for List<'a> {
    fn from(page: &'a ThreadPage) -> Self {
        let listed = |thread: &'a ThreadSummary| Listed {
            id: thread.id.as_str(),
            title: thread.title.as_deref(),
            last_activity_at: thread.last_activity_at_ms,
        };
        Self {
            threads: page.threads.iter().map(listed).collect(),
            next_cursor: page.next.as_ref().map(|next| opaque(&next.to_string())),
        }
    }
}
