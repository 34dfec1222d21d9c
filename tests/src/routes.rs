//! Requests beyond the plain question: to resume, to stop, to have anew, to change, and without the history.

use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::function::Function;
use crate::http_client::{Response, fetch};
use crate::session::SignedIn;
use crate::sse::Transcript;
use crate::world::{ORIGIN, question};

/// A message of the user.
pub fn user_message(id: &str, text: &str) -> Value {
    json!({"id": id, "role": "user", "parts": [{"type": "text", "text": text}]})
}

/// The usual question under this id.
pub fn question_message(id: &str) -> Value {
    user_message(id, &question())
}

/// A message of the assistant, as a client holds it.
pub fn assistant_message(id: &str, text: &str) -> Value {
    json!({"id": id, "role": "assistant", "parts": [{"type": "step-start"}, {"type": "text", "text": text, "state": "done"}]})
}

/// The body of a turn after these messages.
pub fn conversation_body(thread: &str, messages: &[Value]) -> Value {
    json!({"threadId": thread, "id": thread, "trigger": "submit-message", "messages": messages})
}

/// The body of a client that leaves the history to the server.
pub fn last_message_body(thread: &str, message: &Value) -> Value {
    json!({"threadId": thread, "trigger": "submit-message", "message": message})
}

/// The body for another answer to the last of these messages, in place of `answer`.
pub fn regenerate_body(thread: &str, messages: &[Value], answer: Option<&str>) -> Value {
    json!({"threadId": thread, "trigger": "regenerate-message", "messages": messages, "messageId": answer})
}

/// The body for a changed message: the last of these, under the id that it had.
pub fn edit_body(thread: &str, messages: &[Value]) -> Value {
    let id = messages.last().map(|message| message["id"].clone());
    json!({"threadId": thread, "trigger": "submit-message", "messages": messages, "messageId": id})
}

/// The request for the running answer of a thread.
pub fn resume_request(function: &Function, who: &SignedIn, thread: &str) -> Result<Request<Bytes>> {
    let request = Request::get(format!("{}/{thread}/stream", function.chat_url()));
    Ok(request
        .header("cookie", who.cookie())
        .header("origin", ORIGIN)
        .body(Bytes::new())?)
}

/// The request to stop a thread's answer.
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

/// What the answer to a stop says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopAnswer {
    /// Whether there was something to stop.
    pub stopping: bool,
    /// Its stream.
    pub stream: Option<String>,
}

/// Asks to stop whatever runs in a thread.
pub async fn stop_now(function: &Function, who: &SignedIn, thread: &str) -> Result<StopAnswer> {
    read_stop_answer(fetch(stop_request(function, who, thread, "")?).await?).await
}

/// Reads the answer to a stop.
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

/// Reads an answer that must not be a refusal as a stream.
pub async fn fetch_transcript(request: Request<Bytes>) -> Result<Transcript> {
    let answer = fetch(request).await?;
    let status = answer.status;
    if status != 200 {
        bail!("{status}: {}", answer.json().await?);
    }
    answer.transcript().await
}

/// Makes sure that a request is refused with this status and code, and returns the body.
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

/// Makes sure that there is nothing to resume.
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
