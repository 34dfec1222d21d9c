//! Titles made by a model for new threads: after the answer, free of quota, and never over a title
//! of the user's own.

use acceptance::aws::{Function, RunMode};
use acceptance::client::requests::{
    fetch_transcript, last_message_body, post_request, question, question_message, regenerate_body,
    turn_request,
};
use acceptance::gateway::parts::finish_with;
use acceptance::gateway::responses::{
    self, INPUT_TOKENS, OUTPUT_TOKENS, TEXT_CANARY, full_text, parts, stream,
};
use acceptance::gateway::timed_responses::answer_after;
use acceptance::gateway::{Call, Gate, Step};
use acceptance::http_client::fetch;
use acceptance::process::logs::field;
use acceptance::session::SignedIn;
use acceptance::wait::poll_until_ok;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::Method;
use message::UserId;
use serde_json::{Value, json};

/// The model that makes titles.
const MODEL: &str = "openai/gpt-4o-mini";
const ON: &[(&str, &str)] = &[("TITLE_MODEL", MODEL)];

/// Returns the steps of an answer that is a title, which waits for the gate.
fn title_after(gate: &Gate, title_text: &str) -> Vec<Step> {
    let mut title = parts(&[title_text]);
    title.pop();
    title.push(finish_with(40, 5, 0, 0, "0.001"));
    [vec![Step::Wait(gate.clone())], stream(&title, Step::End)].concat()
}

/// A thread `t` whose title is being made until the gate opens.
struct PendingTitle {
    world: World,
    function: Function,
    threads: Function,
    alice: SignedIn,
    gate: Gate,
}

impl PendingTitle {
    async fn start() -> Result<Self> {
        let world = World::new().await?;
        let function = Function::start_plain(&world.variables_with(ON)).await?;
        let threads = Function::start_threads(&world.variables()).await?;
        let alice = world.sign_in("alice").await?;
        let gate = Gate::default();
        world
            .gateway
            .next_for(MODEL, title_after(&gate, "A model's"));
        run_turn(&function, &alice, "t", "m1").await?;
        gate.wait_until_reached().await?;
        Ok(Self {
            world,
            function,
            threads,
            alice,
            gate,
        })
    }
}

/// Returns a gate that is open.
fn open_gate() -> Gate {
    let gate = Gate::default();
    gate.open();
    gate
}

async fn title(world: &World, who: &SignedIn, thread: &str) -> Result<String> {
    let thread = world
        .thread(who, thread)
        .await?
        .context("there is no thread")?;
    Ok(thread.title.unwrap_or_default())
}

async fn wait_for_title(world: &World, who: &SignedIn, thread: &str, expected: &str) -> Result<()> {
    poll_until_ok("a title", async || {
        let found = title(world, who, thread).await?;
        ensure!(found == expected, "{thread} is called {found}");
        Ok(())
    })
    .await
}

/// Runs a turn to its complete answer, as its reader sees it.
async fn run_turn(function: &Function, who: &SignedIn, thread: &str, message: &str) -> Result<()> {
    let transcript = fetch(turn_request(function, who, thread, message)?)
        .await?
        .transcript()
        .await?;
    ensure!(
        transcript.done && transcript.text() == full_text(),
        "{thread} {message}: {transcript:?}"
    );
    Ok(())
}

/// Waits for the log line with the reason why there is no title.
async fn title_error(function: &Function) -> Result<String> {
    let accept = |line: &str| {
        line.contains("failed to generate a title")
            .then(|| field(line, "error"))
            .flatten()
    };
    function
        .process
        .logs
        .find("the log line of the title", accept)
        .await
}

#[tokio::test]
async fn a_title_comes_after_the_answer_over_plain_http() -> Result<()> {
    a_title_comes_after_the_answer(RunMode::Plain).await
}

#[tokio::test]
async fn a_title_comes_after_the_answer_in_an_environment_that_freezes() -> Result<()> {
    a_title_comes_after_the_answer(RunMode::RuntimeApi).await
}

async fn a_title_comes_after_the_answer(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let Some(function) = Function::start(mode, &world.variables_with(ON)).await? else {
        return Ok(());
    };
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next_for(
        MODEL,
        title_after(&gate, "\"On marzipan, and\u{a0}\u{1f34f}.\"\nSweet."),
    );
    run_turn(&function, &alice, "t", "m1").await?;

    // The reader has the last byte, and the title is not made yet.
    gate.wait_until_reached().await?;
    world.ensure_complete_answer(&alice, "t").await?;
    ensure!(title(&world, &alice, "t").await? == question());
    gate.open();
    wait_for_title(&world, &alice, "t", "On marzipan, and \u{1f34f}").await?;
    ensure_counted(&world, &alice, "t").await?;
    world.ensure_complete_answer(&alice, "t").await?;

    run_turn(&function, &alice, "t", "m2").await?;
    run_turn(&function, &alice, "other", "m1").await?;
    wait_for_title(&world, &alice, "other", full_text().trim_end_matches('.')).await?;
    let calls = world.gateway.calls_of(MODEL);
    ensure!(
        calls.len() == 2,
        "one for each thread, not for its second turn: {}",
        calls.len()
    );
    ensure_small_call(&calls[0])?;
    ensure!(
        title(&world, &alice, "t").await? == "On marzipan, and \u{1f34f}",
        "the second turn"
    );
    function.stop().await
}

/// Checks that the usage of answer and title is in the thread and in the day, and that the message
/// holds no usage of the title.
async fn ensure_counted(world: &World, who: &SignedIn, thread: &str) -> Result<()> {
    let (input, output) = (Some(INPUT_TOKENS + 40), Some(OUTPUT_TOKENS + 5));
    let cost = store::Cost::parse("0.001");
    let user = UserId::parse(&who.user)?;
    poll_until_ok("the day", async || {
        let of_thread = world.thread(who, thread).await?.context("a thread")?.usage;
        ensure!(
            (of_thread.input, of_thread.output, of_thread.cost) == (input, output, cost),
            "{of_thread:?}"
        );
        let now_ms = acceptance::session::epoch_ms(std::time::SystemTime::now());
        let day = world.engine.store().usage(&user, now_ms).await?;
        ensure!(
            (day.usage.input, day.usage.output, day.usage.cost) == (input, output, cost),
            "{day:?}"
        );
        ensure!(
            (day.turns, day.running) == (1, 0),
            "a title counts as a turn: {day:?}"
        );
        Ok(())
    })
    .await
}

/// Checks that the call asks for few tokens, and holds question and answer.
fn ensure_small_call(call: &Call) -> Result<()> {
    let body = &call.body;
    ensure!(body["maxOutputTokens"] == 100, "{body}");
    let text = body["prompt"].to_string();
    ensure!(
        text.contains(&question()) && text.contains("Sweet marzipan"),
        "{body}"
    );
    Ok(())
}

#[tokio::test]
async fn titles_are_also_made_over_the_openai_protocol() -> Result<()> {
    let world = World::new().await?;
    let base = world.gateway.base_url().replace("/v4/ai", "/v1");
    let changes = [
        ON,
        &[
            ("AI_GATEWAY_PROTOCOL", "openai"),
            ("AI_GATEWAY_BASE_URL", &base),
        ],
    ]
    .concat();
    let function = Function::start_plain(&world.variables_with(&changes)).await?;
    let alice = world.sign_in("alice").await?;
    let says = |text: &str| {
        let delta = json!({"choices": [{"index": 0, "delta": {"content": text}}]});
        let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45}});
        stream(&[delta, end], Step::End)
    };
    world.gateway.next(says("Yes, marzipan is."));
    world.gateway.next_for(MODEL, says("Marzipan"));
    let transcript = fetch(turn_request(&function, &alice, "t", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(transcript.text() == "Yes, marzipan is.", "{transcript:?}");
    wait_for_title(&world, &alice, "t", "Marzipan").await?;
    let calls = world.gateway.calls_of(MODEL);
    ensure!(
        calls.len() == 1 && calls[0].body["max_tokens"] == 100,
        "{:?}",
        calls[0].body
    );
    let usage = world.thread(&alice, "t").await?.context("a thread")?.usage;
    ensure!(
        (usage.input, usage.output) == (Some(80), Some(10)),
        "{usage:?}"
    );
    function.stop().await
}

#[tokio::test]
async fn a_rename_by_the_user_wins_over_the_title_of_the_model() -> Result<()> {
    let PendingTitle {
        world,
        function,
        threads,
        alice,
        gate,
    } = PendingTitle::start().await?;
    let body = json!({"title": "My own"}).to_string();
    let renamed = fetch(threads.request(Method::PATCH, "/api/threads/t", &alice, body)?).await?;
    ensure!(renamed.status == 200, "{}", renamed.status);
    gate.open();
    ensure_counted(&world, &alice, "t").await?;
    ensure!(title(&world, &alice, "t").await? == "My own");
    // No second title is requested once the thread has one.
    let again = regenerate_body("t", &[question_message("m1")], None);
    ensure!(
        fetch_transcript(post_request(&function, &alice, again.to_string())?)
            .await?
            .done
    );
    function.stop().await?;
    ensure!(world.gateway.calls_of(MODEL).len() == 1);
    ensure!(title(&world, &alice, "t").await? == "My own");
    threads.stop().await
}

#[tokio::test]
async fn a_thread_deleted_while_its_title_is_made_stays_deleted() -> Result<()> {
    let PendingTitle {
        world,
        function,
        threads,
        alice,
        gate,
    } = PendingTitle::start().await?;
    let deleted =
        fetch(threads.request(Method::DELETE, "/api/threads/t", &alice, Bytes::new())?).await?;
    ensure!(deleted.status == 204, "{}", deleted.status);
    gate.open();
    // The shutdown waits for the running task.
    function.stop().await?;
    ensure!(world.thread(&alice, "t").await?.is_none());
    ensure!(
        world
            .engine
            .items()?
            .iter()
            .all(|item| item["title"].is_null()),
        "something is left"
    );
    threads.stop().await
}

#[tokio::test]
async fn a_model_without_a_usable_title_changes_nothing() -> Result<()> {
    let reasoning = json!({"type": "reasoning-delta", "id": "r", "delta": TEXT_CANARY});
    let mut failing = responses::opening_parts();
    failing.extend([
        responses::delta("half"),
        json!({"type": "error", "error": TEXT_CANARY}),
        responses::finish(),
    ]);
    let thinks = [
        json!({"type": "reasoning-start", "id": "r"}),
        reasoning,
        responses::finish(),
    ];
    let cases: [(&str, Vec<Step>, &str); 5] = [
        (
            "refused",
            responses::error(400, "invalid_request_error"),
            "status 400",
        ),
        (
            "cut",
            stream(&parts(&["Half a"])[..4], Step::Reset),
            "the model call failed",
        ),
        (
            "an error of its own",
            stream(&failing, Step::End),
            "the model reported an error",
        ),
        (
            "nothing but thoughts",
            stream(&thinks, Step::End),
            "output contains no title",
        ),
        (
            "nothing but marks",
            title_after(&open_gate(), "\"...\""),
            "output contains no title",
        ),
    ];
    for (case, steps, complaint_of) in cases {
        let world = World::new().await?;
        let function = Function::start_plain(&world.variables_with(ON)).await?;
        let alice = world.sign_in("alice").await?;
        world.gateway.next_for(MODEL, steps);
        run_turn(&function, &alice, "t", "m1").await?;
        let error = title_error(&function).await?;
        ensure!(error.contains(complaint_of), "{case}: {error}");
        ensure!(title(&world, &alice, "t").await? == question(), "{case}");
        world.ensure_complete_answer(&alice, "t").await?;
        run_turn(&function, &alice, "t", "m2").await?;
        function.stop().await?;
        let marks = world
            .engine
            .items()?
            .into_iter()
            .filter(|item| !item["titling"].is_null());
        ensure!(marks.count() == 0, "{case}: a mark is left");
    }
    Ok(())
}

#[tokio::test]
async fn a_slow_title_is_given_up_at_shutdown() -> Result<()> {
    let world = World::new().await?;
    let changes = [ON, &[("SHUTDOWN_GRACE_MS", "1")]].concat();
    let function = Function::start_plain(&world.variables_with(&changes)).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next_for(MODEL, answer_after(&gate));
    run_turn(&function, &alice, "t", "m1").await?;
    gate.wait_until_reached().await?;
    let logs = function.process.logs.clone();
    function.stop().await?;
    let given_up = logs
        .lines()
        .into_iter()
        .filter(|line| line.contains("the process is shutting down"));
    ensure!(given_up.count() == 1, "{:?}", logs.lines());
    ensure!(title(&world, &alice, "t").await? == question());
    Ok(())
}

#[tokio::test]
async fn without_a_title_model_each_turn_makes_one_model_call() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    run_turn(&function, &alice, "t", "m1").await?;
    function.stop().await?;
    ensure!(world.gateway.calls().len() == 1);
    ensure!(title(&world, &alice, "t").await? == question());
    Ok(())
}

#[tokio::test]
async fn only_the_first_successful_answer_of_a_thread_leads_to_a_title() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables_with(ON)).await?;
    let alice = world.sign_in("alice").await?;
    let send = async |body: Value| {
        fetch_transcript(post_request(&function, &alice, body.to_string())?).await
    };
    // The first try fails, and logs it.
    world
        .gateway
        .next(responses::error(400, "invalid_request_error"));
    let failed = send(last_message_body("t", &question_message("m1"))).await?;
    ensure!(failed.first("error").is_some(), "{failed:?}");
    world
        .gateway
        .next_for(MODEL, title_after(&open_gate(), "Titled"));
    let answered = send(last_message_body("t", &question_message("m1"))).await?;
    ensure!(answered.text() == full_text(), "{answered:?}");
    wait_for_title(&world, &alice, "t", "Titled").await?;
    send(last_message_body("t", &question_message("m2"))).await?;
    function.stop().await?;
    let calls = world.gateway.calls_of(MODEL);
    ensure!(calls.len() == 1, "{} calls", calls.len());
    ensure!(title(&world, &alice, "t").await? == "Titled");
    Ok(())
}

#[tokio::test]
async fn a_question_without_text_gets_a_title_from_its_answer() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables_with(ON)).await?;
    let alice = world.sign_in("alice").await?;
    let file =
        json!({"type": "file", "mediaType": "image/png", "url": "https://example.com/a.png"});
    let body = last_message_body("t", &json!({"id": "m1", "role": "user", "parts": [file]}));
    world
        .gateway
        .next_for(MODEL, title_after(&open_gate(), "A picture"));
    ensure!(
        fetch_transcript(post_request(&function, &alice, body.to_string())?)
            .await?
            .done
    );
    wait_for_title(&world, &alice, "t", "A picture").await?;
    function.stop().await
}
