//! What goes out, as JSON.

use axum::response::Response;
use front::json_response;
use http::StatusCode;
use message::ThreadId;
use serde::Serialize;
use store::Thread;

/// A thread by itself.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadShape<'a> {
    id: &'a str,
    title: Option<&'a str>,
    created_at: u64,
    last_activity_at: u64,
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
    json_response(StatusCode::OK, serde_json::to_string(body).expect("what we write is always JSON"))
}
