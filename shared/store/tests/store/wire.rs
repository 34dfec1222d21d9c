//! An endpoint between the client and an engine with scripted faults.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The behaviour of the endpoint on one request.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Answers itself.
    Answer(u16, String),
    /// Lets the engine answer.
    Forward,
    /// Lets the engine do it, and closes the connection instead of answering.
    ForwardAndHangUp,
}

impl Step {
    pub(crate) fn error(status: u16, code: &str) -> Self {
        let body = format!(
            r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"as told"}}"#
        );
        Self::Answer(status, body)
    }

    pub(crate) fn ok(body: &str) -> Self {
        Self::Answer(200, body.to_owned())
    }
}

/// The endpoint. Requests beyond the script get its last step.
pub(crate) struct Wire {
    pub(crate) endpoint: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Wire {
    pub(crate) async fn before(engine: &str, script: impl IntoIterator<Item = Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let bodies = Arc::<Mutex<Vec<String>>>::default();
        let played = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        let (seen, engine) = (
            bodies.clone(),
            engine.trim_start_matches("http://").to_owned(),
        );
        crate::engine::detached(async move {
            while let Ok((stream, _)) = listener.accept().await {
                crate::engine::detached(play(stream, engine.clone(), played.clone(), seen.clone()));
            }
        });
        Self { endpoint, bodies }
    }

    pub(crate) async fn alone(script: impl IntoIterator<Item = Step>) -> Self {
        Self::before("", script).await
    }

    /// Returns the bodies of all requests so far.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.bodies.lock().unwrap().clone()
    }
}

async fn play(
    mut client: TcpStream,
    engine: String,
    script: Arc<Mutex<VecDeque<Step>>>,
    seen: Arc<Mutex<Vec<String>>>,
) {
    while let Some((request, body)) = read_message(&mut client).await {
        seen.lock().unwrap().push(String::from_utf8(body).unwrap());
        let step = next_step(&script);
        let answer = match &step {
            Step::Answer(status, body) => {
                let head = "content-type: application/x-amz-json-1.0";
                let length = body.len();
                format!(
                    "HTTP/1.1 {status} told\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}"
                )
                .into_bytes()
            }
            Step::Forward | Step::ForwardAndHangUp => {
                let mut upstream = TcpStream::connect(&engine).await.unwrap();
                upstream.write_all(&request).await.unwrap();
                read_message(&mut upstream).await.unwrap().0
            }
        };
        if matches!(step, Step::ForwardAndHangUp) || client.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn next_step(script: &Mutex<VecDeque<Step>>) -> Step {
    let mut script = script.lock().unwrap();
    match script.len() {
        1 => script[0].clone(),
        _ => script.pop_front().expect("a script has at least one step"),
    }
}

/// Reads one HTTP/1.1 message: all its bytes, and what of them is not head.
async fn read_message(stream: &mut TcpStream) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head_end) = complete_message(&bytes) {
            let body = bytes[head_end..].to_vec();
            return Some((bytes, body));
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// Returns the end of the message's head, once the body is complete.
fn complete_message(bytes: &[u8]) -> Option<usize> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_lowercase();
    let complete = match head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
    {
        Some(length) => bytes.len() >= head_end + length.trim().parse::<usize>().ok()?,
        None => bytes.ends_with(b"\r\n0\r\n\r\n"),
    };
    complete.then_some(head_end)
}
