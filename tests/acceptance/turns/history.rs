//! Clients that send only their last message: the prompt holds the history of the thread.

use acceptance::aws::Function;
use acceptance::aws::function_pair::FunctionPair;
use acceptance::client::requests::{
    edit_body, fetch_transcript, last_message_body, post_request, regenerate_body, stop_turn,
    user_message,
};
use acceptance::gateway::Step;
use acceptance::gateway::responses::{self, parts};
use acceptance::gateway::timed_responses::{FIRST_HALF_CHUNKS, first_half, half_answer};
use acceptance::http_client::fetch;
use acceptance::session::SignedIn;
use acceptance::world::{World, text_of};
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

/// Sends a body and returns the prompt of the model call, one line of role and text for each
/// message.
async fn send_for_prompt(
    world: &World,
    function: &Function,
    who: &SignedIn,
    body: &Value,
) -> Result<Vec<String>> {
    let calls = world.gateway.calls().len();
    let transcript = fetch_transcript(post_request(function, who, body.to_string())?).await?;
    ensure!(
        transcript.done && transcript.first("error").is_none(),
        "{transcript:?}"
    );
    let prompt = world.gateway.call(calls).await?.body["prompt"].clone();
    Ok(prompt.as_array().into_iter().flatten().map(line).collect())
}

fn line(message: &Value) -> String {
    let texts = message["content"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|part| part["text"].as_str());
    format!(
        "{}:{}",
        &message["role"].as_str().unwrap_or_default()[..1],
        texts.collect::<String>()
    )
}

fn plan_answer(world: &World, text: &str) {
    world
        .gateway
        .next(responses::stream(&parts(&[text]), Step::End));
}

async fn ask_question(
    world: &World,
    function: &Function,
    who: &SignedIn,
    thread: &str,
    number: usize,
) -> Result<Vec<String>> {
    plan_answer(world, &format!("a{number}"));
    let question = user_message(&format!("m{number}"), &format!("q{number}"));
    send_for_prompt(world, function, who, &last_message_body(thread, &question)).await
}

#[tokio::test]
async fn the_prompt_holds_the_messages_of_the_thread_in_order() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let (alice, mallory) = (
        world.sign_in("alice").await?,
        world.sign_in("mallory").await?,
    );
    ensure!(ask_question(&world, &pair.first, &alice, "t1", 1).await? == ["u:q1"]);
    ensure!(ask_question(&world, &pair.second, &alice, "t1", 2).await? == ["u:q1", "a:a1", "u:q2"]);
    let third = ask_question(&world, &pair.first, &alice, "t1", 3).await?;
    ensure!(
        third == ["u:q1", "a:a1", "u:q2", "a:a2", "u:q3"],
        "{third:?}"
    );
    ensure!(
        ask_question(&world, &pair.first, &mallory, "t1", 1).await? == ["u:q1"],
        "another user's thread is not read"
    );
    ensure!(
        ask_question(&world, &pair.first, &alice, "t2", 1).await? == ["u:q1"],
        "nor another thread"
    );
    pair.stop().await
}

#[tokio::test]
async fn after_a_change_the_prompt_holds_the_current_path_of_the_thread() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for number in 1..=2 {
        ask_question(&world, &function, &alice, "t1", number).await?;
    }
    plan_answer(&world, "a2 again");
    let mut body = regenerate_body("t1", &[], None);
    body["messages"].take();
    body["message"] = user_message("m2", "q2");
    let prompt = send_for_prompt(&world, &function, &alice, &body).await?;
    ensure!(
        prompt == ["u:q1", "a:a1", "u:q2"],
        "another answer: {prompt:?}"
    );
    let prompt = ask_question(&world, &function, &alice, "t1", 3).await?;
    ensure!(
        prompt == ["u:q1", "a:a1", "u:q2", "a:a2 again", "u:q3"],
        "after another answer: {prompt:?}"
    );

    plan_answer(&world, "a2 changed");
    let mut body = edit_body("t1", &[user_message("m2", "q2 changed")]);
    body["message"] = body["messages"][0].take();
    body["messages"].take();
    let prompt = send_for_prompt(&world, &function, &alice, &body).await?;
    ensure!(
        prompt == ["u:q1", "a:a1", "u:q2 changed"],
        "a change: {prompt:?}"
    );
    let prompt = ask_question(&world, &function, &alice, "t1", 4).await?;
    ensure!(
        prompt == ["u:q1", "a:a1", "u:q2 changed", "a:a2 changed", "u:q4"],
        "after a change: {prompt:?}"
    );
    function.stop().await
}

#[tokio::test]
async fn the_oldest_turns_of_a_long_conversation_are_left_out_of_the_prompt() -> Result<()> {
    let long = "marzipan ".repeat(500);
    for (name, variable, limit) in [
        ("messages", "MAX_MESSAGES", "4"),
        ("bytes", "MAX_BODY_BYTES", "11000"),
    ] {
        let world = World::new().await?;
        let function = Function::start_plain(&world.variables_with(&[(variable, limit)])).await?;
        let alice = world.sign_in("alice").await?;
        let mut prompt = Vec::new();
        for number in 1..=4 {
            let pad = if name == "bytes" { long.as_str() } else { "" };
            plan_answer(&world, &format!("a{number}"));
            let question = user_message(&format!("m{number}"), &format!("q{number}{pad}"));
            prompt = send_for_prompt(
                &world,
                &function,
                &alice,
                &last_message_body("t1", &question),
            )
            .await?;
        }
        let prompt: Vec<_> = prompt.iter().map(|line| &line[..4]).collect();
        ensure!(prompt == ["u:q3", "a:a3", "u:q4"], "{name}: {prompt:?}");
        ensure!(
            world.stored_messages(&alice, "t1").await?.len() == 8,
            "{name}: nothing is lost in the store"
        );
        function.stop().await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_prompt_holds_the_partial_answer_of_a_stopped_turn() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for (name, function, stops) in [
        ("stopped-here", &pair.first, true),
        ("stopped-there", &pair.second, true),
        ("taken-over-here", &pair.first, false),
        ("taken-over-there", &pair.second, false),
    ] {
        world.gateway.next(half_answer());
        let first = last_message_body(name, &user_message("m1", "q1")).to_string();
        let mut answer = fetch(post_request(&pair.first, &alice, first)?).await?;
        answer.chunks(FIRST_HALF_CHUNKS).await?;
        if stops {
            ensure!(stop_turn(function, &alice, name).await?.stopping, "{name}");
        }
        let prompt = ask_question(&world, function, &alice, name, 2)
            .await
            .context(name)?;
        let partial = prompt.get(1).map(String::as_str).unwrap_or_default();
        ensure!(
            prompt.first().is_some_and(|line| line == "u:q1")
                && prompt.last().is_some_and(|line| line == "u:q2"),
            "{name}: {prompt:?}"
        );
        // In another process the text may lack what the journal does not hold yet.
        let full = format!("a:{}", first_half());
        ensure!(
            prompt.len() == 2 || full.starts_with(partial),
            "{name}: {prompt:?}"
        );
        ensure!(
            name.ends_with("there") || prompt == ["u:q1", &full, "u:q2"],
            "{name}: {prompt:?}"
        );
        ensure!(answer.transcript().await?.text() == first_half(), "{name}");
        let texts: Result<Vec<_>> = world
            .stored_messages(&alice, name)
            .await?
            .iter()
            .map(text_of)
            .collect();
        ensure!(
            texts? == ["q1", &first_half(), "q2", "a2"],
            "{name}: all of it is stored"
        );
    }
    pair.stop().await
}

#[tokio::test]
async fn an_invalid_message_is_refused_with_its_reason() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for (name, message) in [
        ("no object", json!("q1")),
        ("a list", json!([])),
        (
            "of the system",
            json!({"id": "m1", "role": "system", "parts": []}),
        ),
        (
            "without id",
            json!({"role": "user", "parts": [{"type": "text", "text": "q"}]}),
        ),
        ("without parts", json!({"id": "m1", "role": "user"})),
    ] {
        let answer = fetch(post_request(
            &function,
            &alice,
            last_message_body("t1", &message).to_string(),
        )?)
        .await?;
        let status = answer.status;
        let body = answer.json().await?;
        let says = body["error"]["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        ensure!(
            status == 400 && says.contains("message"),
            "{name}: {status} {body}"
        );
    }
    ensure!(
        world.gateway.calls().is_empty() && world.engine.items()?.len() == 1,
        "something was written or spent"
    );
    function.stop().await
}
