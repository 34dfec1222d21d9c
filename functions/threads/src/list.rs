//! `GET /api/threads`: a user's threads, newest activity first.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use store::{ThreadPage, ThreadSummary};

use crate::clients::Clients;
use crate::error::ApiError;
use crate::query::{Query, opaque};
use crate::shapes::ok;

/// How many threads a page shows unless it asks for more or fewer.
const USUAL: usize = 30;

/// Answers with one part of the list, and where the next begins.
pub(crate) async fn list(
    State(clients): State<Arc<Clients>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = clients.user_of(&headers).await?;
    let query = Query::parse(query.as_deref());
    let (limit, after) = (query.limit(USUAL)?, query.cursor(|place| place.parse().ok())?);
    let page = clients.store.threads(&user, limit, after.as_ref()).await?;
    Ok(ok(&List::from(&page)))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    threads: Vec<Listed<'a>>,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed<'a> {
    id: &'a str,
    title: Option<&'a str>,
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
