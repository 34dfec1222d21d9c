//! The `threads` function, seen from outside: how it shows what `chat` wrote, and what it changes.

mod changes;
mod conversation;
mod lists;
mod refusals;

use acceptance::aws::Function;
use acceptance::client::requests::turn_request;
use acceptance::http_client::fetch;
use acceptance::session::SignedIn;
use anyhow::{Result, ensure};
use bytes::Bytes;
use http::Request;
use serde_json::Value;

/// Runs a turn to its complete answer.
async fn run_turn(chat: &Function, who: &SignedIn, thread: &str, message: &str) -> Result<()> {
    let answer = fetch(turn_request(chat, who, thread, message)?).await?;
    ensure!(
        answer.status == 200,
        "{thread} {message}: {}",
        answer.status
    );
    answer.transcript().await?;
    Ok(())
}

/// Returns the JSON of a successful response.
async fn fetch_json(request: Request<Bytes>) -> Result<Value> {
    let path = request.uri().path().to_owned();
    let answer = fetch(request).await?;
    let (status, headers) = (answer.status, answer.headers.clone());
    let body = answer.json().await?;
    ensure!(status == 200, "{path}: {status}: {body}");
    ensure!(
        headers["content-type"] == "application/json; charset=utf-8",
        "{path}: {headers:?}"
    );
    ensure!(
        headers["cache-control"] == "no-store",
        "{path}: {headers:?}"
    );
    Ok(body)
}

/// Returns the values of one field in a list.
fn field_values<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item[field].as_str())
        .collect()
}
