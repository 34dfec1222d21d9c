//! Shared response types and the JSON response.

use axum::response::Response;
use front::json_response;
use http::StatusCode;
use message::ThreadId;
use serde::Serialize;
use store::Thread;

/// A thread.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Thread"))]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadShape<'a> {
    #[cfg_attr(test, schemars(with = "ThreadId"))]
    id: &'a str,
    /// The title that the user gave, or the beginning of the first message.
    title: Option<&'a str>,
    /// The time of creation, in milliseconds since 1970.
    created_at: u64,
    /// The time at which the last turn began, in milliseconds since 1970.
    last_activity_at: u64,
    /// The number of turns that have begun.
    turns: u64,
}

impl<'a> ThreadShape<'a> {
    /// Creates the response form of the thread `id`.
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

/// Builds a response with status 200 and a JSON body.
pub(crate) fn ok(body: &impl Serialize) -> Response {
    json_response(
        StatusCode::OK,
        serde_json::to_string(body).expect("what we write is always JSON"),
    )
}
