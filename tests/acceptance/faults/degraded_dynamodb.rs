//! DynamoDB that throttles, is slow, fails sometimes or is gone for a while: no message is lost or
//! doubled, the client gets an error, and later turns succeed.
//!
//! Refusals before the stream and the effects of a single fault are in `dynamodb`.

use std::time::{Duration, SystemTime};

use acceptance::assert::invariants::{SentMessage, find_violations};
use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::Function;
use acceptance::client::requests::{conversation_body, post_request, user_message};
use acceptance::database::{Behaviour, Fault};
use acceptance::gateway::Step;
use acceptance::gateway::responses::{
    self, TEXT_CANARY, delta, finish, frame, head, opening_parts, text_end,
};
use acceptance::http_client::fetch;
use acceptance::seed::seed;
use acceptance::session::{SignedIn, epoch_ms};
use acceptance::sse::Transcript;
use acceptance::wait::poll_until_ok;
use acceptance::world::World;
use anyhow::{Context, Result, bail, ensure};
use futures_util::future::try_join_all;
use tokio::time::sleep;

/// The number of users that chat at the same time.
const USERS: usize = 12;
/// The duration limit of a turn, short enough that leftovers of the failures expire soon.
const MAX_TURN_MS: &str = "24000";
/// The maximum number of times a user sends a message. With three failures in ten, few need it
/// twice.
const MAX_TRIES: usize = 12;

/// The time at which the table is faulty.
#[derive(Clone, Copy, PartialEq)]
enum FaultTime {
    /// From before the first message until every user has a complete answer.
    Throughout,
    /// From the middle of every answer, for this duration.
    InMidTurn(Duration),
}

/// The history of a message until its sender had a complete answer.
#[derive(Default)]
struct Attempts {
    /// The function has accepted the message at least once.
    is_acknowledged: bool,
    /// The last error that the user received.
    last_error: Option<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_turn_is_lost_or_doubled_when_three_requests_in_ten_are_throttled() -> Result<()> {
    let seed = seed()?;
    ensure_nothing_lost(
        FaultTime::Throughout,
        vec![Fault::everything(Behaviour::Throttle).at_random(0.3, seed)],
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_turn_is_lost_or_doubled_when_three_requests_in_ten_fail() -> Result<()> {
    let seed = seed()?;
    let faults = [Behaviour::Fail, Behaviour::LoseAnswer]
        .map(|behaviour| Fault::everything(behaviour).at_random(0.165, seed));
    ensure_nothing_lost(FaultTime::Throughout, faults.into()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_turn_is_lost_or_doubled_when_three_requests_in_ten_are_slow() -> Result<()> {
    let seed = seed()?;
    let slow = Behaviour::Delay(Duration::from_secs(5));
    ensure_nothing_lost(
        FaultTime::Throughout,
        vec![Fault::everything(slow).at_random(0.3, seed)],
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_turn_is_lost_or_doubled_when_all_requests_are_slow_in_mid_turn() -> Result<()> {
    let slow = Behaviour::Delay(Duration::from_secs(5));
    ensure_nothing_lost(
        FaultTime::InMidTurn(Duration::from_secs(10)),
        vec![Fault::everything(slow)],
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_turn_is_lost_or_doubled_when_the_table_is_gone_for_ten_seconds() -> Result<()> {
    ensure_nothing_lost(FaultTime::InMidTurn(Duration::from_secs(10)), Vec::new()).await
}

/// Lets all users chat with these faults, or with the table gone if there are none.
async fn ensure_nothing_lost(when: FaultTime, faults: Vec<Fault>) -> Result<()> {
    let world = World::new().await?;
    let variables =
        world.variables_with(&[("MAX_TURN_MS", MAX_TURN_MS), ("MAX_PARALLEL_TURNS", "2")]);
    let function = Function::start_plain(&variables).await?;
    let mut users = Vec::new();
    for number in 0..USERS {
        users.push(world.sign_in(&format!("user{number:02}x")).await?);
    }
    let inject_faults = || match faults.is_empty() {
        true => world.engine.refuse_connections(),
        false => faults
            .iter()
            .for_each(|fault| world.engine.fault(fault.clone())),
    };
    let (duration, mid_turn) = match when {
        FaultTime::Throughout => (None, false),
        FaultTime::InMidTurn(duration) => (Some(duration), true),
    };
    for who in &users {
        world
            .gateway
            .next_containing(&question(who, "m1"), slow_answer(mid_turn));
    }
    if !mid_turn {
        inject_faults();
    }
    let watch = async {
        if let Some(duration) = duration {
            // All turns have begun, and none has ended.
            world.gateway.call(USERS - 1).await?;
            sleep(Duration::from_millis(700)).await;
            inject_faults();
            sleep(duration).await;
            world.engine.heal();
        }
        anyhow::Ok(())
    };
    let sends = try_join_all(
        users
            .iter()
            .map(|who| send_until_answered(&function, who, "m1")),
    );
    let (all_attempts, ()) = tokio::try_join!(sends, watch)?;
    world.engine.heal();
    let afterwards = users
        .iter()
        .zip(all_attempts)
        .map(|(who, attempts)| ensure_next_works(&world, &function, who, attempts));
    try_join_all(afterwards)
        .await
        .with_context(|| format!("SIDEKIQ_SEED={}", seed().unwrap_or_default()))?;
    function.stop().await
}

/// Returns the usual answer, over a second and a half if `slowly`, for faults in mid-turn.
fn slow_answer(is_slow: bool) -> Vec<Step> {
    let pause = Duration::from_millis(if is_slow { 350 } else { 5 });
    let mut steps = vec![head()];
    steps.extend(responses::send_steps(&opening_parts()));
    for piece in responses::PIECES {
        steps.extend([Step::Pause(pause), Step::Send(frame(&delta(piece)))]);
    }
    steps.extend([
        Step::Send(frame(&text_end())),
        Step::Send(frame(&finish())),
        Step::End,
    ]);
    steps
}

fn question(who: &SignedIn, message: &str) -> String {
    format!("Is {TEXT_CANARY} sweet, {message} of {}?", who.user)
}

/// Sends a message until it has a complete answer, like a user who presses the button again.
async fn send_until_answered(
    function: &Function,
    who: &SignedIn,
    message: &str,
) -> Result<Attempts> {
    let mut attempts = Attempts::default();
    for _ in 0..MAX_TRIES {
        let body =
            conversation_body("t1", &[user_message(message, &question(who, message))]).to_string();
        let answer = fetch(post_request(function, who, body)?).await?;
        let status = answer.status.as_u16();
        if status != 200 {
            let (retry, body) = (
                answer.header("retry-after").to_owned(),
                answer.json().await?,
            );
            ensure!([500, 503].contains(&status), "{status}: {body}");
            ensure!(body["error"]["message"].is_string(), "{status}: {body}");
            ensure!(status != 503 || !retry.is_empty(), "no retry-after: {body}");
            attempts.last_error = Some(body.to_string());
            // The pause that the function asks for, in seconds.
            sleep(Duration::from_secs(retry.parse().unwrap_or(0))).await;
            continue;
        }
        attempts.is_acknowledged = true;
        let transcript = answer.transcript().await?;
        if is_complete(&transcript)? {
            return Ok(attempts);
        }
        attempts.last_error = Some(format!("{transcript:?}"));
    }
    bail!(
        "{message} of {} had no complete answer in {MAX_TRIES} tries: {:?}",
        who.user,
        attempts.last_error
    )
}

/// Returns whether the stream reports success. A stream that does not must report its failure.
fn is_complete(transcript: &Transcript) -> Result<bool> {
    ensure!(transcript.done, "the stream has no end: {transcript:?}");
    if transcript.first("error").is_some() {
        return Ok(false);
    }
    ensure!(transcript.finish_reason() == Some("stop"), "{transcript:?}");
    ensure!(
        transcript.text() == responses::full_text(),
        "a partial answer is reported as complete: {transcript:?}"
    );
    Ok(true)
}

/// Checks that the next message works at once, and that everything is stored as promised.
async fn ensure_next_works(
    world: &World,
    function: &Function,
    who: &SignedIn,
    attempts: Attempts,
) -> Result<()> {
    let next = send_until_answered(function, who, "m2").await?;
    ensure!(
        next.last_error.is_none(),
        "the next message failed too: {:?}",
        next.last_error
    );
    let calls = |message: &str| {
        let text = question(who, message);
        world
            .gateway
            .calls()
            .iter()
            .filter(|call| call.body.to_string().contains(&text))
            .count()
    };
    let sent = |message: &str, is_acknowledged, calls| SentMessage {
        message: message.to_owned(),
        text: question(who, message),
        is_acknowledged,
        is_loss_reported: false,
        min_text: responses::full_text(),
        possible_texts: vec![responses::full_text()],
        calls,
    };
    // After an error the user may have paid for an answer that could not be kept.
    let first_calls = if attempts.last_error.is_some() {
        0
    } else {
        calls("m1")
    };
    let sent = [
        sent("m1", attempts.is_acknowledged, first_calls),
        sent("m2", true, calls("m2")),
    ];
    let check = async || {
        let snapshot = ThreadSnapshot::read(&world.engine, who, "t1")?;
        let violations = find_violations(&snapshot, &sent, epoch_ms(SystemTime::now()));
        ensure!(
            violations.is_empty(),
            "{}: {violations:?}: {snapshot:#?}",
            who.user
        );
        Ok(())
    };
    poll_until_ok("the promised items in the table", check).await
}
