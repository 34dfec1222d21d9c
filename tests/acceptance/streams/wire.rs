//! The bytes on the wire on both sides of a good turn.

use acceptance::aws::{Function, RunMode};
use acceptance::client::requests::{post_request, question, turn_body, turn_request};
use acceptance::gateway::responses::{self, TEXT_CANARY};
use acceptance::gateway::{Ended, Gate, Step};
use acceptance::http_client::{fetch, send};
use acceptance::process::sockets_to;
use acceptance::world::{API_KEY, World};
use anyhow::{Context, Result, ensure};
use serde_json::json;

#[tokio::test]
async fn the_response_has_the_headers_and_chunks_that_the_client_expects() -> Result<()> {
    for mode in [RunMode::Plain, RunMode::RuntimeApi, RunMode::Emulator] {
        let world = World::new().await?;
        let Some(function) = Function::start(mode, &world.variables()).await? else {
            continue;
        };
        let alice = world.sign_in("alice").await?;
        let answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
        ensure!(answer.status == 200, "{mode:?}: {}", answer.status);
        for (name, value) in [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("x-vercel-ai-ui-message-stream", "v1"),
            ("x-accel-buffering", "no"),
            ("content-encoding", ""),
        ] {
            ensure!(
                answer.header(name) == value,
                "{mode:?}: {name}: {:?}",
                answer.header(name)
            );
        }
        let transcript = answer.transcript().await?;
        let expected = [
            "start",
            "start-step",
            "text-start",
            "text-delta",
            "text-end",
            "finish-step",
            "finish",
        ];
        ensure!(transcript.types() == expected, "{mode:?}: {transcript:?}");
        ensure!(
            transcript.done && transcript.finish_reason() == Some("stop"),
            "{mode:?}: {transcript:?}"
        );
        ensure!(
            transcript.text() == responses::full_text(),
            "{mode:?}: {transcript:?}"
        );
        let stored = world.only_answer(&alice, "t1").await?;
        ensure!(
            transcript.chunks[0]["messageId"] == stored.id.as_str(),
            "{mode:?}: {transcript:?}"
        );
        function.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_gateway_is_called_as_the_sdk_calls_it() -> Result<()> {
    let world = World::new().await?;
    let variables = world.variables_with(&[
        ("SYSTEM_PROMPT", "Be brief."),
        ("MAX_OUTPUT_TOKENS", "1000"),
    ]);
    let function = Function::start_plain(&variables).await?;
    let alice = world.sign_in("alice").await?;
    let mut body = turn_body("t1", "m1");
    body["model"] = "openai/gpt-4o-mini".into();
    fetch(post_request(&function, &alice, body.to_string())?)
        .await?
        .transcript()
        .await?;

    let call = world.gateway.call(0).await?;
    ensure!(
        (call.head.method.as_str(), call.head.path.as_str()) == ("POST", "/v4/ai/language-model"),
        "{call:?}"
    );
    for (name, value) in [
        ("authorization", format!("Bearer {API_KEY}").as_str()),
        ("content-type", "application/json"),
        ("ai-gateway-auth-method", "api-key"),
        ("ai-gateway-protocol-version", "0.0.1"),
        ("ai-language-model-id", "openai/gpt-4o-mini"),
        ("ai-language-model-specification-version", "4"),
        ("ai-language-model-streaming", "true"),
    ] {
        ensure!(
            call.head.header(name) == Some(value),
            "{name}: {:?}",
            call.head.header(name)
        );
    }
    let prompt = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": question()}]},
    ]);
    ensure!(call.body["prompt"] == prompt, "{}", call.body);
    ensure!(
        call.body["toolChoice"] == json!({"type": "auto"}),
        "{}",
        call.body
    );
    ensure!(call.body["includeRawChunks"] == false, "{}", call.body);
    ensure!(call.body["maxOutputTokens"] == 1000, "{}", call.body);
    ensure!(call.ended().await? == Ended::Answered);
    let stored = world.only_answer(&alice, "t1").await?;
    ensure!(
        stored.model.as_deref() == Some("openai/gpt-4o-mini"),
        "{:?}",
        stored.model
    );
    function.stop().await
}

#[tokio::test]
async fn start_is_sent_before_the_gateway_answers() -> Result<()> {
    for mode in [RunMode::Plain, RunMode::Watch, RunMode::RuntimeApi] {
        let world = World::new().await?;
        let Some(function) = Function::start(mode, &world.variables()).await? else {
            continue;
        };
        let alice = world.sign_in("alice").await?;
        let gate = Gate::default();
        world
            .gateway
            .next([vec![Step::Wait(gate.clone())], responses::good()].concat());
        let mut answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
        answer
            .chunks(1)
            .await
            .with_context(|| format!("{mode:?}"))?;
        gate.open();
        let transcript = answer.transcript().await?;
        ensure!(
            transcript.done && transcript.chunks[0]["type"] == "start",
            "{mode:?}: {transcript:?}"
        );
        function.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn chunks_are_not_held_back_on_their_way_to_the_runtime_api() -> Result<()> {
    let world = World::new().await?;
    let Some(function) = Function::start(RunMode::RuntimeApi, &world.variables()).await? else {
        return Ok(());
    };
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    let mut steps = responses::stream(&responses::opening_parts(), Step::Wait(gate.clone()));
    steps.extend(
        [responses::text_end(), responses::finish()]
            .iter()
            .map(|part| Step::Send(responses::frame(part))),
    );
    steps.push(Step::End);
    world.gateway.next(steps);
    let mut answer = fetch(turn_request(&function, &alice, "t1", "m1")?).await?;
    answer.chunks(1).await?;
    let sockets = sockets_to(function.process.pid(), function.api()?.address())?;
    ensure!(!sockets.is_empty(), "the response is being sent");
    for socket in sockets {
        ensure!(
            rustix::net::sockopt::tcp_nodelay(&socket)?,
            "Nagle's algorithm is on"
        );
    }
    gate.open();
    ensure!(answer.transcript().await?.done);
    function.stop().await
}

#[tokio::test]
async fn a_slow_client_gets_the_complete_answer() -> Result<()> {
    let world = World::new().await?;
    let text = format!("{TEXT_CANARY} ").repeat(500_000);
    world.gateway.next(responses::stream(
        &responses::parts(&[&text, "end"]),
        Step::End,
    ));
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let sent = send(turn_request(&function, &alice, "t1", "m1")?).await?;
    // The gateway has sent everything although the client has not read a byte of the answer.
    ensure!(world.gateway.call(0).await?.ended().await? == Ended::Answered);
    let transcript = sent.head().await?.transcript().await?;
    ensure!(transcript.done && transcript.text() == text + "end");
    function.stop().await
}
