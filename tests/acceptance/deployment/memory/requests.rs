//! Requests as large as an event of Lambda can be.

use acceptance::aws::Function;
use acceptance::client::requests::{conversation_body, post_request, user_message};
use acceptance::gateway::responses;
use acceptance::http_client::fetch;
use acceptance::sse::Transcript;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::content::{nested_steering_messages, noise, picture, text};
use super::report::Report;
use super::{MAX_PEAK_MIB, Peak, start_chat};

/// The most that Lambda takes as an event.
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;
/// The most that an event holds besides the body.
const HEAD_BYTES: usize = 4096;

struct Case {
    name: &'static str,
    body: fn() -> String,
    is_base64: bool,
    status: u16,
}

impl Case {
    const fn accepted(name: &'static str, body: fn() -> String) -> Self {
        Self {
            name,
            body,
            is_base64: false,
            status: 200,
        }
    }

    const fn refused(name: &'static str, body: fn() -> String) -> Self {
        Self {
            status: 400,
            ..Self::accepted(name, body)
        }
    }
}

const CASES: [Case; 8] = [
    Case::accepted("one text with escapes", text_with_escapes),
    Case::accepted("one picture", || of_user(&[picture(6_225_700)])),
    Case::accepted("200 messages with a picture each", || pictures(30_988)),
    Case::accepted("10,000 parts of 600 bytes", || {
        many_parts(|_| text(&noise(594)))
    }),
    Case::accepted("10,000 tool parts", || many_parts(tool)),
    Case {
        is_base64: true,
        ..Case::accepted("200 pictures, the event in base64", || pictures(23_428))
    },
    Case::refused("nested steering-messages of the user", nested_in_question),
    Case::refused(
        "nested steering-messages of the assistant",
        nested_in_answer,
    ),
];

#[tokio::test]
async fn the_largest_requests_fit_the_smallest_function() -> Result<()> {
    let mut report = Report::new("request of 6 MiB");
    for case in CASES {
        measure(&case, &mut report)
            .await
            .with_context(|| case.name)?;
    }
    report.finish()
}

async fn measure(case: &Case, report: &mut Report) -> Result<()> {
    let world = World::new().await?;
    let alice = world.sign_in("alice").await?;
    let function = start_chat(&world).await?;
    let body = (case.body)();
    ensure_fills_event(case, &body)?;
    let answered = answer(case, &function, post_request(&function, &alice, body)?).await;
    report.add(case.name, MAX_PEAK_MIB, Peak::of(&function).await);
    if let Err(error) = answered {
        report.fail(case.name, &error);
    }
    function.stop().await
}

/// Makes sure that a case fills an event: a smaller one would measure nothing.
fn ensure_fills_event(case: &Case, body: &str) -> Result<()> {
    let length = if case.is_base64 {
        STANDARD.encode(body).len()
    } else {
        json!(body).to_string().len()
    };
    let room = MAX_EVENT_BYTES - HEAD_BYTES;
    ensure!(
        (room / 100 * 98..=room).contains(&length),
        "{length} bytes in an event that has {room} for them"
    );
    Ok(())
}

/// Makes sure that the request gets the usual answer, or the refusal that it should.
async fn answer(case: &Case, function: &Function, request: Request<Bytes>) -> Result<()> {
    let (status, body) = if case.is_base64 {
        let mut invocation = function.invoke_base64(request)?;
        let status = invocation.prelude().await?["statusCode"]
            .as_u64()
            .context("a status")?;
        let mut body = Vec::new();
        while let Some(piece) = invocation.next_piece().await {
            body.extend_from_slice(&piece);
        }
        (u16::try_from(status)?, Bytes::from(body))
    } else {
        let answer = fetch(request).await?;
        (answer.status.as_u16(), answer.bytes().await?)
    };
    ensure!(
        status == case.status,
        "status {status}, not {}",
        case.status
    );
    if status == 200 {
        let transcript = Transcript::parse(&body)?;
        ensure!(
            transcript.done && transcript.text() == responses::full_text(),
            "{transcript:?}"
        );
    } else {
        let body: Value = serde_json::from_slice(&body)?;
        ensure!(body["error"]["code"] == "invalid_request", "{body}");
    }
    Ok(())
}

fn of_user(parts: &[Value]) -> String {
    conversation_body("t1", &[json!({"id": "m1", "role": "user", "parts": parts})]).to_string()
}

fn text_with_escapes() -> String {
    let letters = noise(339_000 * 15);
    let mut text = String::with_capacity(letters.len() / 15 * 16);
    for (line, start) in (0..letters.len()).step_by(15).enumerate() {
        text.push_str(&letters[start..start + 15]);
        text.push(if line % 2 == 0 { '"' } else { '\n' });
    }
    conversation_body("t1", &[user_message("m1", &text)]).to_string()
}

/// Makes as many messages as a request may have, with a picture each.
fn pictures(letters: usize) -> String {
    let message =
        |number| json!({"id": format!("m{number}"), "role": "user", "parts": [picture(letters)]});
    conversation_body("t1", &(0..200).map(message).collect::<Vec<_>>()).to_string()
}

/// Makes as many parts as a request may have, all but the last the assistant's.
fn many_parts(part: fn(usize) -> Value) -> String {
    let mut messages: Vec<_> = (0..10)
        .map(|message| {
            let parts = (0..1000).skip(usize::from(message == 9)).map(|number| part(message * 1000 + number));
            json!({"id": format!("a{message}"), "role": "assistant", "parts": parts.collect::<Vec<_>>()})
        })
        .collect();
    messages.push(user_message("m1", "marzipan"));
    conversation_body("t1", &messages).to_string()
}

fn tool(number: usize) -> Value {
    json!({"type": "tool-t", "toolCallId": format!("c{number}"), "state": "output-available",
           "input": {"query": "marzipan"}, "output": [noise(490), 0]})
}

/// Makes a question with steering-messages inside each other, as many as fit.
fn nested_in_question() -> String {
    let parts = format!("{},{}", text("marzipan"), nested_steering_messages(312_000));
    conversation_of(&[format!(r#"{{"id":"m1","role":"user","parts":[{parts}]}}"#)])
}

/// Makes an answer with as many, and a question after it.
fn nested_in_answer() -> String {
    let parts = nested_steering_messages(312_000);
    let answer = format!(r#"{{"id":"a1","role":"assistant","parts":[{parts}]}}"#);
    conversation_of(&[answer, user_message("m1", "marzipan").to_string()])
}

fn conversation_of(messages: &[String]) -> String {
    format!(r#"{{"threadId":"t1","messages":[{}]}}"#, messages.join(","))
}
