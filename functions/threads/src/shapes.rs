//! What goes out, as JSON.

use axum::response::Response;
use front::json_response;
use http::StatusCode;
use message::ThreadId;
use serde::Serialize;
use store::Thread;

/// A thread by itself.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Thread"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadShape<'a> {
    #[cfg_attr(test, schemars(with = "ThreadId"))]
    id: &'a str,
    /// What the user calls it, or how its first message begins.
    title: Option<&'a str>,
    /// In milliseconds since 1970.
    created_at: u64,
    /// In milliseconds since 1970: when the last turn began.
    last_activity_at: u64,
    /// How many turns have begun.
    turns: u64,
}

impl<'a> ThreadShape<'a> {
    /// The thread `id`, as it was read.
    pub(crate) fn new(id: &'a ThreadId, thread: &'a Thread) -> Self {
        Self {
            id: id.as_str(),
            title: thread.title.as_deref(),
            created_at: thread.created_at_ms,
            last_activity_at: thread.last_activity_at_ms,
            turns: thread.turns,
        }
    }
}

/// A good answer.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    json_response(
        StatusCode::OK,
        serde_json::to_string(body).expect("what we write is always JSON"),
    )
}
