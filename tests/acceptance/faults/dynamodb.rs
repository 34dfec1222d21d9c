//! DynamoDB gone, slow or overloaded: a refusal before the stream, an error chunk in it, and never
//! a silent loss.

use std::time::Duration;

use acceptance::aws::{Function, RuntimeApi};
use acceptance::client::requests::turn_request;
use acceptance::database::{Behaviour, Fault};
use acceptance::gateway::{Ended, Step, responses};
use acceptance::http_client::fetch;
use acceptance::process::logs::field;
use acceptance::session::SignedIn;
use acceptance::world::{World, text_of};
use anyhow::{Context, Result, ensure};
use message::Role;

/// A text in the key of every assistant message, and of no other item.
const ASSISTANT_KEY: &str = "#1#";

async fn ensure_refused_until_healed(
    world: &World,
    function: &Function,
    who: &SignedIn,
    name: &str,
) -> Result<()> {
    let before = world.conversation_items()?;
    let answer = fetch(turn_request(function, who, name, "m1")?).await?;
    let (status, retry) = (
        answer.status.as_u16(),
        answer.header("retry-after").to_owned(),
    );
    let body = answer.json().await?;
    ensure!(status == 503, "status {status}: {body}");
    ensure!(
        body["error"]["code"] == "store_unavailable" && !retry.is_empty(),
        "{body}, retry-after {retry:?}"
    );
    ensure!(
        world.conversation_items()? == before,
        "something was written"
    );
    world.engine.heal();
    let answer = fetch(turn_request(function, who, name, "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        answer.done && answer.text() == responses::full_text(),
        "after it was healed: {answer:?}"
    );
    world.ensure_complete_answer(who, name).await
}

#[tokio::test]
async fn without_a_table_a_turn_is_refused_before_the_model_is_called() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    let cases = [
        ("gone", None),
        ("throttled", Some(Fault::everything(Behaviour::Throttle))),
        ("ill", Some(Fault::everything(Behaviour::Fail))),
        ("silent", Some(Fault::everything(Behaviour::Silence))),
        (
            "throttled-writes",
            Some(Fault::of("UpdateItem", "", Behaviour::Throttle)),
        ),
        (
            "silent-writes",
            Some(Fault::of("UpdateItem", "", Behaviour::Silence)),
        ),
    ];
    for (number, (name, fault)) in cases.into_iter().enumerate() {
        match fault {
            Some(fault) => world.engine.fault(fault),
            None => world.engine.refuse_connections(),
        }
        ensure_refused_until_healed(&world, &function, &alice, name)
            .await
            .context(name)?;
        ensure!(
            world.gateway.calls().len() == number + 1,
            "{name}: only the good turn may call the model"
        );
    }
    function.stop().await
}

#[tokio::test]
async fn a_short_throttle_is_hidden_by_retries() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for operation in ["GetItem", "UpdateItem", "PutItem"] {
        world
            .engine
            .fault(Fault::of(operation, "", Behaviour::Throttle).times(2));
        let answer = fetch(turn_request(&function, &alice, operation, "m1")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            answer.done && answer.text() == responses::full_text(),
            "{operation}: {answer:?}"
        );
        world
            .ensure_complete_answer(&alice, operation)
            .await
            .context(operation)?;
    }
    function.stop().await
}

#[tokio::test]
async fn a_message_that_cannot_be_stored_gets_an_error_and_its_model_call_is_dropped() -> Result<()>
{
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    world
        .engine
        .fault(Fault::of("PutItem", "m-lost", Behaviour::Fail));
    world.gateway.next(responses::stream(
        &responses::parts(&responses::PIECES),
        Step::Hold,
    ));
    let answer = fetch(turn_request(&function, &alice, "t1", "m-lost")?).await?;
    ensure!(answer.status == 200, "{}", answer.status);
    let answer = answer.transcript().await?;
    ensure!(answer.first("error").is_some() && answer.done, "{answer:?}");
    ensure!(
        answer.text().is_empty(),
        "nothing of the answer may go out: {answer:?}"
    );
    ensure!(
        world.gateway.call(0).await?.ended().await? == Ended::Left,
        "the model call must be dropped"
    );
    ensure!(
        world.stored_messages(&alice, "t1").await?.is_empty(),
        "nothing may be half-written"
    );

    world.engine.heal();
    let again = fetch(turn_request(&function, &alice, "t1", "m-lost")?).await?;
    ensure!(
        again.status == 200,
        "the same message must work when sent again: {}",
        again.status
    );
    ensure!(again.transcript().await?.text() == responses::full_text());
    world.ensure_complete_answer(&alice, "t1").await?;
    function.stop().await
}

#[tokio::test]
async fn the_write_of_an_answer_is_retried_until_it_is_stored() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    // More often than the client tries one operation.
    world
        .engine
        .fault(Fault::of("PutItem", ASSISTANT_KEY, Behaviour::Throttle).times(6));
    let answer = fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        answer.done && answer.finish_reason() == Some("stop"),
        "{answer:?}"
    );
    ensure!(answer.first("error").is_none(), "{answer:?}");
    world.ensure_complete_answer(&alice, "t1").await?;
    function.stop().await
}

#[tokio::test]
async fn an_answer_that_cannot_be_stored_is_never_reported_as_stored() -> Result<()> {
    let world = World::new().await?;
    let api = RuntimeApi::start(1).await?;
    // A short deadline, so that the function gives up soon.
    api.set_time_limit(Duration::from_secs(9));
    let function = Function::start_under(api, &world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    world
        .engine
        .fault(Fault::of("PutItem", ASSISTANT_KEY, Behaviour::Fail));
    let answer = fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(answer.first("error").is_some() && answer.done, "{answer:?}");
    ensure!(
        answer.text() == responses::full_text(),
        "the sent text stays: {answer:?}"
    );
    let store_failure = |line: &str| {
        field(line, "message").filter(|message| message == "failed to store the answer")?;
        Some((
            field(line, "level"),
            field(line, "thread_id"),
            field(line, "answer_id"),
        ))
    };
    let (level, thread, id) = function
        .process
        .logs
        .find("the log line of the failure", store_failure)
        .await?;
    ensure!(
        level.as_deref() == Some("ERROR") && thread.as_deref() == Some("t1") && id.is_some(),
        "{level:?}"
    );

    function.api()?.wait_until_frozen().await?;
    let stored = world.stored_messages(&alice, "t1").await?;
    ensure!(
        stored.len() == 1 && stored[0].role == Role::User,
        "{stored:?}"
    );
    world.engine.heal();
    let again = fetch(turn_request(&function, &alice, "t1", "m1")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        again.done && again.text() == responses::full_text(),
        "{again:?}"
    );
    let last = world.only_answer(&alice, "t1").await?;
    ensure!(text_of(&last)? == responses::full_text());
    function.stop().await
}
