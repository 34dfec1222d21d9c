//! Gateway faults: the stream ends legally, one answer is stored with a truthful status, and the
//! process keeps serving.

use acceptance::aws::{Function, RunMode};
use acceptance::client::ai_sdk::{ChatRequest, Client};
use acceptance::client::requests::{question, turn_request};
use acceptance::gateway::Step;
use acceptance::gateway::responses::{
    self, delta, error, finish, frame, head, opening_parts, parts, refusal, stream, text_end,
};
use acceptance::http_client::fetch;
use acceptance::world::{API_KEY, World, metadata, text_of};
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use store::Status::{self, Completed, Failed};

struct Case {
    name: &'static str,
    /// The answers to the calls of this turn.
    gateway: Vec<Vec<Step>>,
    status: Status,
    text: String,
    reported_tokens: Option<u64>,
}

impl Case {
    fn completes(name: &'static str, gateway: Vec<Step>) -> Self {
        let tokens = Some(responses::OUTPUT_TOKENS);
        Self {
            name,
            gateway: vec![gateway],
            status: Completed,
            text: responses::full_text(),
            reported_tokens: tokens,
        }
    }

    fn fails(name: &'static str, gateway: Vec<Step>, text: &str) -> Self {
        Self {
            name,
            gateway: vec![gateway],
            status: Failed,
            text: text.to_owned(),
            reported_tokens: None,
        }
    }

    /// Expects a failure after retries, for errors that the real client considers retryable.
    fn fails_after_retries(name: &'static str, gateway: Vec<Step>) -> Self {
        Self {
            gateway: vec![gateway; 3],
            ..Self::fails(name, Vec::new(), "")
        }
    }
}

/// Returns the beginning of an answer, with one piece of text.
fn beginning() -> Vec<Value> {
    [opening_parts(), vec![delta("Sweet ")]].concat()
}

fn beginning_then(more: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![head()];
    steps.extend(responses::send_steps(&beginning()));
    steps.extend(more);
    steps
}

fn with(part: Value) -> Vec<Value> {
    let mut all = parts(&responses::PIECES);
    all.insert(4, part);
    all
}

fn cases() -> Vec<Case> {
    let half_a_frame =
        Bytes::from_static(b"data: {\"type\":\"text-delta\",\"id\":\"0\",\"delta\":\"gr\xc3");
    let other_half = Bytes::from_static(b"\xbcn\"}\n\n");
    let no_usage =
        json!({"type": "finish", "finishReason": {"unified": "stop", "raw": "end_turn"}});
    let strange_reason = json!({"type": "finish", "finishReason": {"unified": "tired", "raw": "tired"}, "usage": {}});
    let model_error = json!({"type": "error", "error": {"message": format!("secret {API_KEY}")}});
    let huge = "0123456789abcdef marzipan \u{1f34f} ".repeat(70_000);
    let complete_but_no_finish = [beginning(), vec![text_end()]].concat();
    vec![
        Case::completes("one part per packet", responses::good()),
        Case::completes("all parts in one packet", responses::good_in_one_packet()),
        Case::fails("silent before the head", vec![Step::Hold], ""),
        Case::fails("silent before the first part", vec![head(), Step::Hold], ""),
        Case::fails(
            "silent in mid-stream",
            beginning_then(vec![Step::Hold]),
            "Sweet ",
        ),
        Case::fails(
            "cut in mid-stream",
            beginning_then(vec![Step::Cut]),
            "Sweet ",
        ),
        Case::fails(
            "reset in mid-stream",
            beginning_then(vec![Step::Reset]),
            "Sweet ",
        ),
        Case::fails(
            "cut in mid-character",
            beginning_then(vec![Step::Send(half_a_frame.clone()), Step::Cut]),
            "Sweet ",
        ),
        Case {
            text: "Sweet gr\u{fc}n".to_owned(),
            ..Case::completes(
                "a character in two packets",
                beginning_then(vec![
                    Step::Send(half_a_frame),
                    Step::Send(other_half),
                    Step::Send(frame(&text_end())),
                    Step::Send(frame(&finish())),
                    Step::End,
                ]),
            )
        },
        Case {
            text: "Sweet \u{1f34f}".to_owned(),
            ..Case::completes(
                "a surrogate pair in two parts",
                beginning_then(vec![
                    Step::Send(Bytes::from_static(
                        br#"data: {"type":"text-delta","id":"0","delta":"\ud83c"}"#,
                    )),
                    Step::Send(Bytes::from_static(b"\n\n")),
                    Step::Send(Bytes::from_static(
                        br#"data: {"type":"text-delta","id":"0","delta":"\udf4f"}"#,
                    )),
                    Step::Send(Bytes::from_static(b"\n\n")),
                    Step::Send(frame(&text_end())),
                    Step::Send(frame(&finish())),
                    Step::End,
                ]),
            )
        },
        Case::fails("end in mid-text", beginning_then(vec![Step::End]), "Sweet "),
        Case::fails(
            "end without finish",
            stream(&complete_but_no_finish, Step::End),
            "Sweet ",
        ),
        Case::fails("end without anything", vec![head(), Step::End], ""),
        Case::fails("status 400", error(400, "invalid_request_error"), ""),
        Case::fails("status 401", error(401, "authentication_error"), ""),
        Case::fails("status 402", error(402, "insufficient_funds"), ""),
        Case::fails("status 403", error(403, "forbidden"), ""),
        Case::fails("status 404", error(404, "model_not_found"), ""),
        Case::fails_after_retries("status 429", error(429, "rate_limit_exceeded")),
        Case::fails_after_retries("status 500", error(500, "internal_server_error")),
        Case::fails_after_retries("status 503", error(503, "internal_server_error")),
        Case::fails_after_retries(
            "HTML",
            refusal(
                502,
                "text/html",
                &[("retry-after-ms", "1")],
                "<html><h1>Bad Gateway</h1></html>",
            ),
        ),
        Case::fails(
            "JSON in place of a stream",
            refusal(200, "application/json", &[], r#"{"ok":true}"#),
            "",
        ),
        Case::fails(
            "a redirect",
            refusal(
                307,
                "text/plain",
                &[("location", "http://127.0.0.1:9/elsewhere")],
                "",
            ),
            "",
        ),
        Case {
            gateway: vec![
                error(503, "internal_server_error"),
                error(429, "rate_limit_exceeded"),
                responses::good(),
            ],
            ..Case::completes("well at the third call", Vec::new())
        },
        Case {
            text: "Sweet ".to_owned(),
            ..Case::fails(
                "an error part, then the end",
                stream(
                    &[beginning(), vec![model_error.clone()]].concat(),
                    Step::End,
                ),
                "",
            )
        },
        Case {
            status: Failed,
            ..Case::completes(
                "an error part, then more",
                stream(
                    &{
                        let mut all = with(model_error);
                        all.pop();
                        all.push(json!({"type": "finish", "finishReason": {"unified": "error"}, "usage": finish()["usage"]}));
                        all
                    },
                    Step::End,
                ),
            )
        },
        Case::completes(
            "an unknown part",
            stream(&with(json!({"type": "hologram", "id": "0"})), Step::End),
        ),
        Case::fails(
            "broken JSON",
            beginning_then(vec![
                Step::Send(Bytes::from_static(b"data: {\"type\":\n\n")),
                Step::End,
            ]),
            "Sweet ",
        ),
        Case::fails(
            "a delta of no text",
            beginning_then(vec![
                Step::Send(frame(
                    &json!({"type": "text-delta", "id": "never-started", "delta": "x"}),
                )),
                Step::Send(frame(&finish())),
                Step::End,
            ]),
            "Sweet ",
        ),
        Case {
            reported_tokens: None,
            ..Case::completes(
                "no usage",
                stream(
                    &[&parts(&responses::PIECES)[..8], &[no_usage]].concat(),
                    Step::End,
                ),
            )
        },
        Case {
            reported_tokens: None,
            ..Case::completes(
                "a finish reason of its own",
                stream(
                    &[&parts(&responses::PIECES)[..8], &[strange_reason]].concat(),
                    Step::End,
                ),
            )
        },
        Case {
            text: huge.clone(),
            ..Case::completes("an answer of 2 MB", stream(&parts(&[&huge]), Step::End))
        },
        Case {
            text: "0123456789 marzipan ".repeat(20_000),
            ..Case::completes(
                "many parts",
                stream(&parts(&vec!["0123456789 marzipan "; 20_000]), Step::End),
            )
        },
    ]
}

#[tokio::test]
async fn every_gateway_fault_is_survived_over_plain_http() -> Result<()> {
    ensure_survived(RunMode::Plain).await
}

#[tokio::test]
async fn every_gateway_fault_is_survived_in_an_environment_that_freezes() -> Result<()> {
    ensure_survived(RunMode::RuntimeApi).await
}

async fn ensure_survived(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let timeouts = [
        ("FIRST_PART_TIMEOUT_MS", "2500"),
        ("IDLE_TIMEOUT_MS", "2500"),
    ];
    let Some(function) = Function::start(mode, &world.variables_with(&timeouts)).await? else {
        return Ok(());
    };
    let Some(mut client) = Client::start()? else {
        return Ok(());
    };
    let mut wrong = Vec::new();
    for (number, case) in cases().into_iter().enumerate() {
        let name = case.name;
        if let Err(error) = ensure_case_survived(&world, &function, &mut client, number, case).await
        {
            wrong.push(format!("{name}: {error:#}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    function.stop().await
}

async fn ensure_case_survived(
    world: &World,
    function: &Function,
    client: &mut Client,
    number: usize,
    case: Case,
) -> Result<()> {
    let (thread, who) = (format!("t{number}"), world.sign_in("alice").await?);
    let before = world.gateway.calls().len();
    let planned = case.gateway.len();
    case.gateway
        .into_iter()
        .for_each(|answer| world.gateway.next(answer));

    let state = client
        .send(&ChatRequest::new(function, &who, &thread, &question()))
        .await?;
    let not_called = world.gateway.clear_planned();
    state.ensure_legal()?;
    ensure!(
        state.error_name.as_deref() != Some("AI_TypeValidationError"),
        "{state:?}"
    );
    let status = if case.status == Completed {
        "ready"
    } else {
        "error"
    };
    ensure!(
        state.status == status,
        "the client is {}: {:?} {:?}",
        state.status,
        state.error,
        state.error_name
    );
    let error_text = state.error.clone().unwrap_or_default();
    ensure!(
        !error_text.contains(API_KEY) && !error_text.contains("marzipan"),
        "the error repeats the gateway's words: {error_text}"
    );
    ensure!(
        not_called == 0 && world.gateway.calls().len() == before + planned,
        "not called {planned} times"
    );

    if let Ok(api) = function.api() {
        api.wait_until_frozen().await?;
    }
    let stored = acceptance::wait::poll_until_ok("the stored answer", async || {
        world.only_answer(&who, &thread).await
    });
    let stored = stored.await?;
    let text = text_of(&stored)?;
    ensure!(
        text == case.text,
        "stored {} of {} bytes: {:.60}",
        text.len(),
        case.text.len(),
        text
    );
    ensure!(
        stored.status == Some(case.status),
        "stored as {:?}",
        stored.status
    );
    ensure!(
        stored.output_tokens == case.reported_tokens,
        "{:?} tokens",
        stored.output_tokens
    );
    ensure!(
        metadata(&stored, "aborted") == false,
        "{:?}",
        stored.metadata
    );
    // At an error of the model itself the client stops reading, before the answer has ended.
    if state
        .chunks
        .iter()
        .any(|chunk| chunk["type"] == "finish" || chunk["type"] == "message-metadata")
    {
        let (shown, kept) = (
            &state.messages[1]["metadata"],
            serde_json::to_value(&stored.metadata)?,
        );
        ensure!(*shown == kept, "the page has {shown}, the table {kept}");
    }
    let next = fetch(turn_request(
        function,
        &who,
        &format!("{thread}-next"),
        "m1",
    )?)
    .await?
    .transcript()
    .await?;
    ensure!(
        next.done && next.text() == responses::full_text(),
        "the next turn: {next:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_gateway_that_closes_before_its_response_is_called_three_times() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for _ in 0..3 {
        world.gateway.next(vec![Step::Cut]);
    }
    let transcript = fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        transcript.done && transcript.first("error").is_some(),
        "{transcript:?}"
    );
    ensure!(
        world.gateway.calls().len() == 3,
        "{} calls",
        world.gateway.calls().len()
    );
    let stored = world.only_answer(&alice, "t1").await.context("stored")?;
    ensure!(stored.status == Some(Failed), "{:?}", stored.status);
    function.stop().await
}
