//! Titles and deletes.

use acceptance::aws::{Function, RunMode};
use acceptance::client::requests::{
    ensure_nothing_to_resume, ensure_refused, fetch_transcript, turn_request,
};
use acceptance::database::{Behaviour, Fault};
use acceptance::gateway::Ended;
use acceptance::gateway::timed_responses::{FIRST_HALF_CHUNKS, half_answer};
use acceptance::http_client::fetch;
use acceptance::session::SignedIn;
use acceptance::wait::poll_until_ok;
use acceptance::world::World;
use anyhow::{Result, ensure};
use http::Method;
use serde_json::{Value, json};

use super::{fetch_json, field_values, run_turn};

const THREAD: &str = "/api/threads/t";

/// Returns the rows of a user's conversations, without the days and the sessions.
fn conversation_rows(world: &World, who: &SignedIn) -> Result<Vec<Value>> {
    let of = |row: &Value, name: &str| row[name]["S"].as_str().unwrap_or_default().to_owned();
    let all = world.engine.items()?;
    let is_of_them = |row: &Value| {
        let (pk, sk) = (of(row, "pk"), of(row, "sk"));
        ["U", "T", "C"].iter().any(|kind| {
            pk == format!("{kind}#{}", who.user) || pk.starts_with(&format!("{kind}#{}#", who.user))
        }) && !sk.starts_with("Q#")
    };
    Ok(all.into_iter().filter(is_of_them).collect())
}

async fn send_delete(threads: &Function, who: &SignedIn) -> Result<u16> {
    let answer = fetch(threads.request(Method::DELETE, THREAD, who, "")?).await?;
    Ok(answer.status.as_u16())
}

#[tokio::test]
async fn a_thread_can_be_renamed() -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let (alice, bob) = (world.sign_in("alice").await?, world.sign_in("bob").await?);
    run_turn(&chat, &alice, "t", "m1").await?;
    let rename =
        |who: &SignedIn, body: Value| threads.request(Method::PATCH, THREAD, who, body.to_string());

    let renamed = fetch_json(rename(&alice, json!({ "title": "  Ümlaut 🍏 " }))?).await?;
    ensure!(
        renamed["thread"]["title"] == "Ümlaut 🍏" && renamed["thread"]["id"] == "t",
        "{renamed}"
    );
    let listed = fetch_json(threads.get("/api/threads", &alice)?).await?;
    ensure!(
        field_values(&listed["threads"], "title") == ["Ümlaut 🍏"],
        "{listed}"
    );
    run_turn(&chat, &alice, "t", "m2").await?;
    let read = fetch_json(threads.get("/api/threads/t/messages", &alice)?).await?;
    ensure!(read["thread"]["title"] == "Ümlaut 🍏", "{read}");

    for title in [
        json!(""),
        json!("   "),
        json!("x".repeat(201)),
        json!(7),
        json!(null),
    ] {
        let body = ensure_refused(
            rename(&alice, json!({ "title": title }))?,
            400,
            "invalid_request",
        )
        .await?;
        let message = body["error"]["message"].as_str().unwrap_or_default();
        ensure!(message.starts_with("title: "), "{title}: {body}");
    }
    ensure_refused(
        threads.request(Method::PATCH, THREAD, &alice, "{")?,
        400,
        "invalid_json",
    )
    .await?;
    let large = json!({ "title": "x".repeat(20_000) });
    ensure_refused(rename(&alice, large)?, 413, "payload_too_large").await?;
    ensure_refused(rename(&bob, json!({ "title": "mine" }))?, 404, "not_found").await?;
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn a_deleted_thread_leaves_nothing_over_plain_http() -> Result<()> {
    a_deleted_thread_leaves_nothing(RunMode::Plain).await
}

#[tokio::test]
async fn a_deleted_thread_leaves_nothing_in_an_environment_that_freezes() -> Result<()> {
    a_deleted_thread_leaves_nothing(RunMode::RuntimeApi).await
}

async fn a_deleted_thread_leaves_nothing(mode: RunMode) -> Result<()> {
    let world = World::new().await?;
    let chat =
        Function::start_plain(&world.variables_with(&[("JOURNAL_INTERVAL_MS", "0")])).await?;
    let threads = Function::start_threads_in(mode, &world.variables()).await?;
    let (alice, bob) = (world.sign_in("alice").await?, world.sign_in("bob").await?);
    run_turn(&chat, &bob, "t", "m1").await?;
    let bobs = conversation_rows(&world, &bob)?;
    run_turn(&chat, &alice, "t", "m1").await?;
    run_turn(&chat, &alice, "t", "m2").await?;

    ensure!(send_delete(&threads, &alice).await? == 204);
    ensure!(
        conversation_rows(&world, &alice)?.is_empty(),
        "{:?}",
        conversation_rows(&world, &alice)?
    );
    ensure_refused(
        threads.get("/api/threads/t/messages", &alice)?,
        404,
        "not_found",
    )
    .await?;
    ensure!(fetch_json(threads.get("/api/threads", &alice)?).await?["threads"] == json!([]));
    ensure_refused(
        threads.request(Method::DELETE, THREAD, &alice, "")?,
        404,
        "not_found",
    )
    .await?;
    ensure!(
        conversation_rows(&world, &bob)? == bobs,
        "another user's thread of that name is untouched"
    );

    run_turn(&chat, &alice, "t", "m3").await?;
    let recreated = fetch_json(threads.get("/api/threads/t/messages", &alice)?).await?;
    ensure!(
        recreated["messages"].as_array().map(Vec::len) == Some(2)
            && recreated["thread"]["turns"] == 1,
        "{recreated}"
    );
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn a_thread_deleted_while_it_is_answered_does_not_come_back() -> Result<()> {
    let world = World::new().await?;
    let chat =
        Function::start_plain(&world.variables_with(&[("JOURNAL_INTERVAL_MS", "100")])).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    run_turn(&chat, &alice, "t", "m1").await?;
    world.gateway.next(half_answer());
    let mut answer = fetch(turn_request(&chat, &alice, "t", "m2")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;

    ensure!(send_delete(&threads, &alice).await? == 204);
    ensure_refused(
        threads.get("/api/threads/t/messages", &alice)?,
        404,
        "not_found",
    )
    .await?;
    ensure!(fetch_json(threads.get("/api/threads", &alice)?).await?["threads"] == json!([]));
    ensure_nothing_to_resume(&chat, &alice, "t").await?;
    ensure!(
        world.gateway.call(1).await?.ended().await? == Ended::Left,
        "the model call goes on"
    );
    ensure!(
        answer.transcript().await?.done,
        "the reader gets the end of the stream"
    );

    // The leftovers hold no content, and expire: the thread's name and its last run, and the
    // journal's end.
    poll_until_ok("the turn to take away what it has put", async || {
        let rows = conversation_rows(&world, &alice)?;
        let rest: Vec<_> = rows.iter().filter(|row| row.get("ttl").is_none()).collect();
        ensure!(rest.is_empty(), "{rest:?}");
        ensure!(
            !rows.iter().any(|row| row.to_string().contains("\"title\"")),
            "{rows:?}"
        );
        let of_thread = rows
            .iter()
            .filter(|row| row["pk"]["S"] == "T#alice#t")
            .count();
        ensure!(of_thread == 0, "{rows:?}");
        Ok(())
    })
    .await?;
    run_turn(&chat, &alice, "t", "m3").await?;
    let recreated = fetch_json(threads.get("/api/threads/t/messages", &alice)?).await?;
    ensure!(
        field_values(&recreated["messages"], "role") == ["user", "assistant"],
        "{recreated}"
    );
    ensure!(recreated["thread"]["turns"] == 1, "{recreated}");
    chat.stop().await?;
    threads.stop().await
}

#[tokio::test]
async fn a_delete_that_failed_half_way_is_completed_by_the_next() -> Result<()> {
    let world = World::new().await?;
    let chat = Function::start_plain(&world.variables()).await?;
    let threads = Function::start_threads(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    run_turn(&chat, &alice, "t", "m1").await?;
    world
        .engine
        .fault(Fault::of("BatchWriteItem", "", Behaviour::Fail));
    ensure_refused(
        threads.request(Method::DELETE, THREAD, &alice, "")?,
        503,
        "store_unavailable",
    )
    .await?;
    ensure_refused(
        threads.get("/api/threads/t/messages", &alice)?,
        404,
        "not_found",
    )
    .await?;
    world.engine.heal();
    ensure!(send_delete(&threads, &alice).await? == 204);
    let left = conversation_rows(&world, &alice)?;
    ensure!(
        left.iter().all(|row| row["pk"]["S"]
            .as_str()
            .is_some_and(|pk| pk.starts_with("C#"))),
        "{left:?}"
    );
    fetch_transcript(turn_request(&chat, &alice, "t", "m2")?).await?;
    chat.stop().await?;
    threads.stop().await
}
