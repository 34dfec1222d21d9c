//! Requests to the functions and their bodies: a turn, with or without its history, resume, stop,
//! regenerate and edit.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::aws::Function;
use crate::gateway::responses::TEXT_CANARY;
use crate::http_client::{Response, fetch};
use crate::session::{ORIGIN, SignedIn};
use crate::sse::Transcript;

/// Returns the question of every user in these tests.
pub fn question() -> String {
    format!("Is {TEXT_CANARY} sweet?")
}

/// Returns the body of a turn as the SDK's transport sends it.
pub fn turn_body(thread: &str, message: &str) -> Value {
    json!({
        "threadId": thread, "id": format!("chat-{thread}"), "trigger": "submit-message",
        "messages": [{"id": message, "role": "user", "parts": [{"type": "text", "text": question()}]}],
    })
}

/// Returns a chat request with this body, authenticated by cookie as a browser sends it.
pub fn post_request(
    function: &Function,
    who: &SignedIn,
    body: impl Into<Bytes>,
) -> Result<Request<Bytes>> {
    let request = Request::post(function.chat_url())
        .header("content-type", "application/json")
        .header("cookie", who.cookie())
        .header("origin", ORIGIN);
    Ok(request.body(body.into())?)
}

/// Returns the request for a turn, authenticated by cookie.
pub fn turn_request(
    function: &Function,
    who: &SignedIn,
    thread: &str,
    message: &str,
) -> Result<Request<Bytes>> {
    post_request(function, who, turn_body(thread, message).to_string())
}

/// Returns a user message.
pub fn user_message(id: &str, text: &str) -> Value {
    json!({"id": id, "role": "user", "parts": [{"type": "text", "text": text}]})
}

/// Returns the default question under this id.
pub fn question_message(id: &str) -> Value {
    user_message(id, &question())
}

/// Returns an assistant message, as a client holds it.
pub fn assistant_message(id: &str, text: &str) -> Value {
    json!({"id": id, "role": "assistant", "parts": [{"type": "step-start"}, {"type": "text", "text": text, "state": "done"}]})
}

/// Returns the body of a turn that follows these messages.
pub fn conversation_body(thread: &str, messages: &[Value]) -> Value {
    json!({"threadId": thread, "id": thread, "trigger": "submit-message", "messages": messages})
}

/// Returns the body of a turn from a client that leaves the history to the server.
pub fn last_message_body(thread: &str, message: &Value) -> Value {
    json!({"threadId": thread, "trigger": "submit-message", "message": message})
}

/// Returns the body that regenerates the answer to the last of these messages, in place of
/// `answer`.
pub fn regenerate_body(thread: &str, messages: &[Value], answer: Option<&str>) -> Value {
    json!({"threadId": thread, "trigger": "regenerate-message", "messages": messages, "messageId": answer})
}

/// Returns the body that edits the last of these messages, under its existing id.
pub fn edit_body(thread: &str, messages: &[Value]) -> Value {
    let id = messages.last().map(|message| message["id"].clone());
    json!({"threadId": thread, "trigger": "submit-message", "messages": messages, "messageId": id})
}

/// Returns the request for the running answer of a thread.
pub fn resume_request(function: &Function, who: &SignedIn, thread: &str) -> Result<Request<Bytes>> {
    let request = Request::get(format!("{}/{thread}/stream", function.chat_url()));
    Ok(request
        .header("cookie", who.cookie())
        .header("origin", ORIGIN)
        .body(Bytes::new())?)
}

/// Returns the request to stop the answer of a thread.
pub fn stop_request(
    function: &Function,
    who: &SignedIn,
    thread: &str,
    body: impl Into<Bytes>,
) -> Result<Request<Bytes>> {
    let request = Request::post(format!("{}/{thread}/stop", function.chat_url()));
    Ok(request
        .header("cookie", who.cookie())
        .header("origin", ORIGIN)
        .body(body.into())?)
}

/// The response to a stop request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopAnswer {
    /// A flag for a turn that is being stopped.
    pub stopping: bool,
    /// The stream that is being stopped.
    pub stream: Option<String>,
}

/// Stops the running turn of a thread.
pub async fn stop_turn(function: &Function, who: &SignedIn, thread: &str) -> Result<StopAnswer> {
    read_stop_answer(fetch(stop_request(function, who, thread, "")?).await?).await
}

/// Reads the response to a stop request.
pub async fn read_stop_answer(answer: Response) -> Result<StopAnswer> {
    let status = answer.status;
    let body = answer.json().await?;
    ensure!(status == 200, "a stop was answered with {status}: {body}");
    let stopping = body["stopping"]
        .as_bool()
        .context("no boolean in the answer to a stop")?;
    let stream = body["streamId"].as_str().map(str::to_owned);
    ensure!(
        stopping == stream.is_some(),
        "a stream is named when one is stopped: {body}"
    );
    Ok(StopAnswer { stopping, stream })
}

/// Sends a request and reads its response, which must not be a refusal, as a stream.
pub async fn fetch_transcript(request: Request<Bytes>) -> Result<Transcript> {
    let answer = fetch(request).await?;
    let status = answer.status;
    if status != 200 {
        bail!("{status}: {}", answer.json().await?);
    }
    answer.transcript().await
}

/// Fails unless a request is refused with this status and code; returns the body.
pub async fn ensure_refused(request: Request<Bytes>, status: u16, code: &str) -> Result<Value> {
    let answer = fetch(request).await?;
    let got = answer.status.as_u16();
    let body = answer.json().await?;
    ensure!(
        got == status && body["error"]["code"] == code,
        "{got}: {body}, expected {status} {code}"
    );
    Ok(body)
}

/// Fails if there is a stream to resume.
pub async fn ensure_nothing_to_resume(
    function: &Function,
    who: &SignedIn,
    thread: &str,
) -> Result<()> {
    let answer = fetch(resume_request(function, who, thread)?).await?;
    let status = answer.status;
    let body = answer.bytes().await?;
    ensure!(
        status == 204 && body.is_empty(),
        "{thread}: {status} {:?}",
        String::from_utf8_lossy(&body)
    );
    Ok(())
}
