//! Limits on the turns of a user, per day and at once, and the usage that is counted.

use std::time::SystemTime;

use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::Function;
use acceptance::aws::function_pair::FunctionPair;
use acceptance::client::requests::{
    conversation_body, fetch_transcript, post_request, question_message, stop_turn, turn_request,
};
use acceptance::gateway::parts::finish_with;
use acceptance::gateway::responses::{self, delta, opening_parts, text_end};
use acceptance::gateway::timed_responses::{
    FIRST_HALF_CHUNKS, answer_after, answer_in_halves, half_answer,
};
use acceptance::gateway::{Gate, Step};
use acceptance::http_client::{Response, fetch, send};
use acceptance::session::{SignedIn, epoch_ms};
use acceptance::wait::poll_until_some;
use acceptance::world::World;
use anyhow::{Context, Result, ensure};

const CONCURRENT_REQUESTS: usize = 20;

/// Sends twenty questions at once, each in a thread of its own, and returns the thread and the
/// response of each one that was accepted.
async fn send_twenty_at_once(
    pair: &FunctionPair,
    who: &SignedIn,
    name: &str,
    code: &str,
) -> Result<Vec<(String, Response)>> {
    let mut sent = Vec::new();
    for number in 0..CONCURRENT_REQUESTS {
        let thread = format!("{name}-{number}");
        let request = turn_request(pair.both()[number % 2], who, &thread, "m1")?;
        sent.push((thread, send(request).await?));
    }
    let mut passed = Vec::new();
    for (thread, sent) in sent {
        let answer = sent.head().await?;
        if answer.status == 200 {
            passed.push((thread, answer));
        } else {
            ensure_over_limit(answer, code).await?;
        }
    }
    Ok(passed)
}

async fn ensure_over_limit(answer: Response, code: &str) -> Result<()> {
    let (status, retry) = (answer.status, answer.header("retry-after").to_owned());
    let body = answer.json().await?;
    ensure!(
        status == 429 && body["error"]["code"] == code,
        "{status}: {body}"
    );
    let seconds: u64 = retry
        .parse()
        .with_context(|| format!("retry-after: {retry:?}"))?;
    ensure!((1..=86_400).contains(&seconds), "retry-after: {seconds}");
    Ok(())
}

async fn run_turn(function: &Function, who: &SignedIn, thread: &str, message: &str) -> Result<()> {
    ensure!(
        fetch_transcript(turn_request(function, who, thread, message)?)
            .await?
            .done,
        "{thread}"
    );
    Ok(())
}

#[tokio::test]
async fn one_of_twenty_requests_gets_the_last_turn_of_the_day() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[("MAX_TURNS_PER_DAY", "3")]).await?;
    let (alice, bob) = (world.sign_in("alice").await?, world.sign_in("bob").await?);
    run_turn(&pair.first, &alice, "t1", "m1").await?;
    run_turn(&pair.second, &alice, "t2", "m1").await?;
    let passed = send_twenty_at_once(&pair, &alice, "at-once", "turns_per_day").await?;
    ensure!(passed.len() == 1, "{} passed", passed.len());
    for (thread, answer) in passed {
        ensure!(answer.transcript().await?.done);
        world.ensure_complete_answer(&alice, &thread).await?;
    }
    ensure!(
        world.gateway.calls().len() == 3,
        "{} model calls",
        world.gateway.calls().len()
    );
    let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1").await?;
    ensure!(snapshot.counted_turns() == 3, "{:?}", snapshot.days);
    for function in pair.both() {
        let shown = run_turn(function, &alice, "t1", "m1").await;
        shown.context("an answer that exists is shown, whatever the limit")?;
    }
    for function in pair.both() {
        ensure_over_limit(
            fetch(turn_request(function, &alice, "t1", "m2")?).await?,
            "turns_per_day",
        )
        .await?;
    }
    ensure!(
        ThreadSnapshot::read(&world.engine, &alice, "t1")?.counted_turns() == 3,
        "a replay or a refusal was counted"
    );
    let stored = world.stored_messages(&alice, "t1").await?;
    ensure!(
        stored.len() == 2,
        "a refused message was stored: {stored:?}"
    );
    run_turn(&pair.first, &bob, "t1", "m1")
        .await
        .context("another user")?;
    pair.stop().await
}

#[tokio::test]
async fn one_of_twenty_requests_gets_the_last_quota_slot() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[("MAX_PARALLEL_TURNS", "3")]).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    let mut running = Vec::new();
    for thread in ["t1", "t2"] {
        world.gateway.next(answer_in_halves(&gate));
        let mut answer = fetch(turn_request(&pair.first, &alice, thread, "m1")?).await?;
        answer.chunks(FIRST_HALF_CHUNKS).await?;
        running.push((thread.to_owned(), answer));
    }
    world.gateway.next(answer_in_halves(&gate));
    let passed = send_twenty_at_once(&pair, &alice, "at-once", "parallel_turns").await?;
    ensure!(passed.len() == 1, "{} passed", passed.len());
    let refused = if passed[0].0 == "at-once-0" {
        "at-once-1"
    } else {
        "at-once-0"
    };
    running.extend(passed);

    for function in pair.both() {
        let same = fetch(turn_request(function, &alice, "t1", "m1")?).await?;
        ensure!(
            same.status == 200,
            "a repeated request takes no quota slot: {}",
            same.status
        );
        ensure_over_limit(
            fetch(turn_request(function, &alice, "another", "m1")?).await?,
            "parallel_turns",
        )
        .await?;
    }
    let snapshot = ThreadSnapshot::read(&world.engine, &alice, "t1")?;
    ensure!(
        snapshot.slots().len() == 3 && snapshot.counted_turns() == 3,
        "{:?}",
        snapshot.days
    );
    let instead = fetch(turn_request(&pair.second, &alice, "t2", "m2")?).await?;
    ensure!(
        instead.status == 200,
        "a turn that takes over another uses its quota slot: {}",
        instead.status
    );
    ensure!(instead.transcript().await?.text() == responses::full_text());

    gate.open();
    for (thread, answer) in running {
        ensure!(answer.transcript().await?.done, "{thread}");
    }
    ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1").await?;
    run_turn(&pair.second, &alice, refused, "m1")
        .await
        .context("a refused turn works later")?;
    world.ensure_complete_answer(&alice, refused).await?;
    pair.stop().await
}

#[tokio::test]
async fn a_quota_slot_is_released_after_any_end() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[("MAX_PARALLEL_TURNS", "1")]).await?;
    let alice = world.sign_in("alice").await?;
    for (name, steps) in [
        ("good", responses::good()),
        ("refused", responses::error(400, "invalid_request_error")),
        (
            "cut",
            responses::stream(&[opening_parts(), vec![delta("x")]].concat(), Step::Cut),
        ),
    ] {
        world.gateway.next(steps);
        run_turn(&pair.first, &alice, name, "m1")
            .await
            .context(name)?;
        ThreadSnapshot::read_at_rest(&world.engine, &alice, name)
            .await
            .context(name)?;
    }
    for (name, function) in [
        ("stopped-here", &pair.first),
        ("stopped-there", &pair.second),
    ] {
        world.gateway.next(half_answer());
        let mut answer = fetch(turn_request(&pair.first, &alice, name, "m1")?).await?;
        answer.chunks(FIRST_HALF_CHUNKS).await.context(name)?;
        ensure_over_limit(
            fetch(turn_request(&pair.second, &alice, "another", "m1")?).await?,
            "parallel_turns",
        )
        .await?;
        ensure!(stop_turn(function, &alice, name).await?.stopping, "{name}");
        ensure!(answer.transcript().await?.done, "{name}");
        ThreadSnapshot::read_at_rest(&world.engine, &alice, name)
            .await
            .context(name)?;
    }
    run_turn(&pair.second, &alice, "another", "m1").await?;
    pair.stop().await
}

#[tokio::test]
async fn the_quota_slot_of_a_dead_turn_is_free_once_its_lease_has_expired() -> Result<()> {
    let world = World::new().await?;
    let mut pair =
        FunctionPair::start_with_short_turns(&world, &[("MAX_PARALLEL_TURNS", "1")]).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next(answer_after(&gate));
    let answer = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
    gate.wait_until_reached().await?;
    pair.first.process.kill().await?;
    drop(answer);
    poll_until_some("the lease to pass", || {
        let snapshot = ThreadSnapshot::read(&world.engine, &alice, "t1").ok()?;
        (snapshot.thread["lease"].as_u64()? < epoch_ms(SystemTime::now())).then_some(())
    })
    .await?;
    run_turn(&pair.second, &alice, "t2", "m1")
        .await
        .context("another thread")?;
    world.ensure_complete_answer(&alice, "t2").await?;
    run_turn(&pair.second, &alice, "t1", "m2")
        .await
        .context("the thread that it died in")?;
    ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1")
        .await?
        .ensure_at_rest()?;
    pair.second.stop().await
}

#[tokio::test]
async fn the_reported_usage_is_summed_by_day_and_by_thread() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let answer_with = |finish| {
        let mut parts = opening_parts();
        parts.extend([delta("marzipan"), text_end(), finish]);
        responses::stream(&parts, Step::End)
    };
    let turns = [
        ("t1", 1000, 200, 600, 50, "0.0012"),
        ("t1", 37, 11, 0, 0, "0.000034"),
        ("t2", 5, 7, 5, 7, "1.5"),
    ];
    for (number, (thread, input, output, cached, reasoning, cost)) in turns.into_iter().enumerate()
    {
        world.gateway.next(answer_with(finish_with(
            input, output, cached, reasoning, cost,
        )));
        let function = pair.both()[number % 2];
        let message = format!("m{number}");
        run_turn(function, &alice, thread, &message).await?;
        run_turn(pair.both()[(number + 1) % 2], &alice, thread, &message)
            .await
            .context("shown again")?;
    }
    // One turn that reports no usage, and one that is dropped before it can.
    world.gateway.next(responses::stream(
        &[opening_parts(), vec![delta("x")]].concat(),
        Step::Cut,
    ));
    run_turn(&pair.first, &alice, "t1", "cut").await?;
    let (one, two) = (
        ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1").await?,
        ThreadSnapshot::read_at_rest(&world.engine, &alice, "t2").await?,
    );
    for (counter, day, first, second) in [
        ("tin", 1042.0, 1037.0, 5.0),
        ("tout", 218.0, 211.0, 7.0),
        ("tcached", 605.0, 600.0, 5.0),
        ("treasoning", 57.0, 50.0, 7.0),
        ("cost", 1.501_234, 0.001_234, 1.5),
    ] {
        let got = [
            one.sum(counter),
            counter_value(&one, counter),
            counter_value(&two, counter),
        ];
        let right = got
            .iter()
            .zip([day, first, second])
            .all(|(got, expected)| (got - expected).abs() < 1e-12);
        ensure!(
            right,
            "{counter}: {got:?}, expected {day}, {first} and {second}: {one:?}"
        );
    }
    ensure!(one.counted_turns() == 4, "{:?}", one.days);
    pair.stop().await
}

fn counter_value(snapshot: &ThreadSnapshot, counter: &str) -> f64 {
    snapshot.thread[counter].as_f64().unwrap_or_default()
}

#[tokio::test]
async fn equal_requests_at_the_limit_share_the_one_turn() -> Result<()> {
    let world = World::new().await?;
    let changes = [("MAX_PARALLEL_TURNS", "1"), ("MAX_TURNS_PER_DAY", "1")];
    let pair = FunctionPair::start(&world, &changes).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let body = conversation_body("t1", &[question_message("m1")]).to_string();
    let mut sent = Vec::new();
    for number in 0..CONCURRENT_REQUESTS {
        sent.push(send(post_request(pair.both()[number % 2], &alice, body.clone())?).await?);
    }
    let mut answers = Vec::new();
    for sent in sent {
        let answer = sent.head().await?;
        ensure!(
            answer.status == 200,
            "an equal request is never over the limit: {}",
            answer.status
        );
        answers.push(answer);
    }
    gate.open();
    for answer in answers {
        let transcript = answer.transcript().await?;
        ensure!(
            transcript.done && transcript.text() == responses::full_text(),
            "{transcript:?}"
        );
    }
    ensure!(world.gateway.calls().len() == 1);
    let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1").await?;
    ensure!(snapshot.counted_turns() == 1, "{:?}", snapshot.days);
    pair.stop().await
}
