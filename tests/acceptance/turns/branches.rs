//! Branches of a thread: a message while another is answered, another answer to the same question,
//! an edited question. The thread shows the newest branch, in order, and no branch is deleted.

use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::Function;
use acceptance::aws::function_pair::FunctionPair;
use acceptance::client::reloaded_page::{
    Page, PageAction, PageLoad, VERSIONS, ensure_shows, text_of_parts, to_page_messages,
};
use acceptance::client::requests::{
    self, assistant_message, conversation_body, edit_body, ensure_refused, post_request, question,
    question_message, regenerate_body, resume_request, stop_turn, turn_request, user_message,
};
use acceptance::gateway::responses::{self, parts};
use acceptance::gateway::timed_responses::{
    FIRST_HALF_CHUNKS, answer_after, answer_in_halves, first_half, half_answer,
};
use acceptance::gateway::{Ended, Gate, Step};
use acceptance::http_client::{fetch, send};
use acceptance::session::SignedIn;
use acceptance::sse::Transcript;
use acceptance::wait::poll_until_ok;
use acceptance::world::{World, text_of};
use anyhow::{Context, Result, ensure};
use message::{MessageId, Role, ThreadId, UserId};
use serde_json::Value;
use store::{History, Status, StoredMessage};

fn answer_with(text: &str) -> Vec<Step> {
    responses::stream(&parts(&[text]), Step::End)
}

async fn send_body(function: &Function, who: &SignedIn, body: &Value) -> Result<Transcript> {
    requests::fetch_transcript(post_request(function, who, body.to_string())?).await
}

/// Returns one line for each message, oldest first: `u:` or `a:` and its text.
fn to_lines(messages: &[StoredMessage]) -> Result<Vec<String>> {
    let line = |message: &StoredMessage| {
        let who = if message.role == Role::User { "u" } else { "a" };
        Ok(format!("{who}:{}", text_of(message)?))
    };
    messages.iter().map(line).collect()
}

/// Waits until the current path of the thread is `expected`: a turn that was taken over in the
/// other process notices a little later, and only then stores its answer.
async fn ensure_path(
    world: &World,
    who: &SignedIn,
    thread: &str,
    expected: &[&str],
) -> Result<Vec<StoredMessage>> {
    poll_until_ok("the path", async || {
        check_path(world, who, thread, expected).await
    })
    .await
}

/// Waits until the path that ends in the message `last` is `expected`.
async fn ensure_branch(
    world: &World,
    who: &SignedIn,
    thread: &str,
    last: &str,
    expected: &[&str],
) -> Result<()> {
    poll_until_ok("the branch", async || {
        check_branch(world, who, thread, last, expected).await
    })
    .await
}

async fn check_path(
    world: &World,
    who: &SignedIn,
    thread: &str,
    expected: &[&str],
) -> Result<Vec<StoredMessage>> {
    let stored = world.stored_messages(who, thread).await?;
    let path = to_lines(&stored)?;
    ensure!(
        path == expected,
        "{thread}: the path is {path:?}, not {expected:?}"
    );
    Ok(stored)
}

/// Checks the path that ends in the message `last`, oldest first.
async fn check_branch(
    world: &World,
    who: &SignedIn,
    thread: &str,
    last: &str,
    expected: &[&str],
) -> Result<()> {
    let (user, id, last) = (
        UserId::parse(&who.user)?,
        ThreadId::parse(thread)?,
        MessageId::parse(last)?,
    );
    let history = History {
        limit: 100,
        max_bytes: None,
        before: None,
        consistent: true,
    };
    let mut branch = world
        .engine
        .store()
        .branch(&user, &id, &last, &history)
        .await?;
    branch.reverse();
    let path = to_lines(&branch)?;
    ensure!(
        path == expected,
        "{thread}: the branch is {path:?}, not {expected:?}"
    );
    Ok(())
}

fn last_prompt(world: &World) -> Result<Vec<String>> {
    let calls = world.gateway.calls();
    let prompt = calls.last().context("a model call")?.body["prompt"].clone();
    let line = |message: &Value| {
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
    };
    Ok(prompt.as_array().into_iter().flatten().map(line).collect())
}

#[tokio::test]
async fn the_next_message_works_at_once_after_the_clients_own_stop() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for package in VERSIONS {
        let Some(mut page) = Page::start(package)? else {
            continue;
        };
        for (place, function) in [("here", &pair.first), ("there", &pair.second)] {
            let thread = format!("{package}-{place}");
            let call = world.gateway.calls().len();
            world.gateway.next(half_answer());
            let send = PageLoad::send(&pair.first, &alice, &thread, vec![], question_message("m1"));
            let left = page
                .load(&PageLoad {
                    leave_after: Some(FIRST_HALF_CHUNKS),
                    ..send
                })
                .await?;
            // The client may drop the connection before it has shown the last chunk that it
            // received.
            let shown = left.messages.get(1).map(text_of_parts).unwrap_or_default();
            ensure!(first_half().starts_with(&shown), "{thread}: {left:?}");
            let next = PageLoad::send(
                function,
                &alice,
                &thread,
                left.messages.clone(),
                user_message("m2", "And?"),
            );
            let state = page.load(&next).await?;
            ensure!(state.status == "ready", "{thread}: {state:?}");
            ensure_shows(
                &state,
                &[&question(), &shown, "And?", &responses::full_text()],
            )
            .context(thread.clone())?;
            ensure!(
                world.gateway.call(call).await?.ended().await? == Ended::Left,
                "{thread}: the old call goes on"
            );
            ThreadSnapshot::read_at_rest(&world.engine, &alice, &thread).await?;
            let (question_line, half, full) = (
                format!("u:{}", question()),
                format!("a:{}", first_half()),
                format!("a:{}", responses::full_text()),
            );
            let stored = ensure_path(
                &world,
                &alice,
                &thread,
                &[&question_line, &half, "u:And?", &full],
            )
            .await?;
            let statuses: Vec<_> = stored.iter().filter_map(|message| message.status).collect();
            ensure!(
                statuses == [Status::Stopped, Status::Completed],
                "{thread}: {statuses:?}"
            );
            ensure!(
                stored[1].id.as_str() == left.messages[1]["id"],
                "{thread}: {stored:?}"
            );
        }
    }
    pair.stop().await
}

#[tokio::test]
async fn readers_of_a_turn_that_is_taken_over_get_an_abort() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for (name, function) in [("here", &pair.first), ("there", &pair.second)] {
        world.gateway.next(half_answer());
        let mut old = fetch(turn_request(&pair.first, &alice, name, "m1")?).await?;
        old.chunks(FIRST_HALF_CHUNKS).await?;
        let readers = [
            fetch(resume_request(&pair.first, &alice, name)?).await?,
            fetch(resume_request(&pair.second, &alice, name)?).await?,
        ];
        let new = fetch(turn_request(function, &alice, name, "m2")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            new.done && new.text() == responses::full_text(),
            "{name}: {new:?}"
        );
        for reader in std::iter::once(old).chain(readers) {
            let transcript = reader.transcript().await?;
            ensure!(
                transcript.done && transcript.types().last() == Some(&"abort"),
                "{name}: {transcript:?}"
            );
            ensure!(transcript.text() == first_half(), "{name}: {transcript:?}");
        }
    }
    pair.stop().await
}

#[tokio::test]
async fn without_take_over_the_next_message_is_refused_with_the_id_of_the_running_turn()
-> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[("ON_BUSY", "reject")]).await?;
    let alice = world.sign_in("alice").await?;
    let gate = Gate::default();
    world.gateway.next(answer_in_halves(&gate));
    let mut answer = fetch(turn_request(&pair.first, &alice, "t1", "m1")?).await?;
    answer.chunks(FIRST_HALF_CHUNKS).await?;
    let stream = ThreadSnapshot::read(&world.engine, &alice, "t1")?.thread["streamId"].clone();
    for function in pair.both() {
        let refused = ensure_refused(
            turn_request(function, &alice, "t1", "m2")?,
            409,
            "turn_in_progress",
        )
        .await?;
        ensure!(refused["error"]["streamId"] == stream, "{refused}");
        let again = regenerate_body("t1", &[question_message("m1")], None).to_string();
        ensure_refused(
            post_request(function, &alice, again)?,
            409,
            "turn_in_progress",
        )
        .await
        .context("another answer")?;
    }
    let same = fetch(turn_request(&pair.second, &alice, "t1", "m1")?).await?;
    ensure!(
        same.status == 200,
        "the same message is no other: {}",
        same.status
    );
    gate.open();
    for (name, reader) in [("first", answer), ("same", same)] {
        let transcript = reader.transcript().await?;
        ensure!(
            transcript.done && transcript.text() == responses::full_text(),
            "{name}: {transcript:?}"
        );
    }
    ensure!(
        world.gateway.calls().len() == 1,
        "a refusal called the model"
    );
    let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1").await?;
    ensure!(
        snapshot.thread["turns"] == 1 && snapshot.counted_turns() == 1,
        "a refusal counts: {snapshot:?}"
    );
    let next = fetch(turn_request(&pair.second, &alice, "t1", "m2")?)
        .await?
        .transcript()
        .await?;
    ensure!(
        next.done && next.text() == responses::full_text(),
        "{next:?}"
    );
    pair.stop().await
}

#[tokio::test]
async fn a_message_that_races_the_end_of_the_old_answer_keeps_the_order() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for number in 0..20 {
        let thread = format!("t{number}");
        let gate = Gate::default();
        world.gateway.next(answer_in_halves(&gate));
        world.gateway.next(answer_with("Second."));
        let mut old = fetch(turn_request(&pair.first, &alice, &thread, "m1")?).await?;
        old.chunks(FIRST_HALF_CHUNKS).await?;
        let new = send(turn_request(
            pair.both()[number % 2],
            &alice,
            &thread,
            "m2",
        )?)
        .await?;
        gate.open();
        let new = new.head().await?.transcript().await?;
        ensure!(new.done && new.text() == "Second.", "{thread}: {new:?}");
        let old = old.transcript().await?;
        let end = old.types().last().copied().unwrap_or_default();
        ensure!(
            old.done && ["finish", "abort"].contains(&end),
            "{thread}: {old:?}"
        );
        ThreadSnapshot::read_at_rest(&world.engine, &alice, &thread).await?;
        let (question_line, was) = (format!("u:{}", question()), format!("a:{}", old.text()));
        let stored = ensure_path(
            &world,
            &alice,
            &thread,
            &[&question_line, &was, &question_line, "a:Second."],
        )
        .await?;
        let expected = if end == "finish" {
            Status::Completed
        } else {
            Status::Stopped
        };
        ensure!(
            stored[1].status == Some(expected),
            "{thread}: {end}, {stored:?}"
        );
    }
    pair.stop().await
}

#[tokio::test]
async fn another_answer_is_stored_next_to_the_old_one() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for answer in ["one", "two", "three", "four"] {
        world.gateway.next(answer_with(answer));
    }
    let one = send_body(
        &function,
        &alice,
        &conversation_body("t1", &[user_message("m1", "Say.")]),
    )
    .await?;
    let one = one.chunks[0]["messageId"]
        .as_str()
        .context("an id")?
        .to_owned();
    let two = send_body(
        &function,
        &alice,
        &regenerate_body("t1", &[user_message("m1", "Say.")], Some(&one)),
    )
    .await?;
    ensure!(two.text() == "two", "{two:?}");
    let two = two.chunks[0]["messageId"]
        .as_str()
        .context("an id")?
        .to_owned();
    ensure!(
        last_prompt(&world)? == ["u:Say."],
        "the old answer is not in the prompt: {:?}",
        last_prompt(&world)?
    );
    ensure_path(&world, &alice, "t1", &["u:Say.", "a:two"]).await?;
    ensure_branch(&world, &alice, "t1", &one, &["u:Say.", "a:one"]).await?;
    send_body(
        &function,
        &alice,
        &regenerate_body("t1", &[user_message("m1", "Say.")], None),
    )
    .await?;
    ensure_path(&world, &alice, "t1", &["u:Say.", "a:three"]).await?;
    let history = [
        user_message("m1", "Say."),
        assistant_message("x", "three"),
        user_message("m2", "More."),
    ];
    send_body(&function, &alice, &conversation_body("t1", &history)).await?;
    ensure_path(
        &world,
        &alice,
        "t1",
        &["u:Say.", "a:three", "u:More.", "a:four"],
    )
    .await?;
    ensure_branch(&world, &alice, "t1", &one, &["u:Say.", "a:one"]).await?;
    ensure_branch(&world, &alice, "t1", &two, &["u:Say.", "a:two"]).await?;
    ensure!(world.gateway.calls().len() == 4);
    ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1")
        .await?
        .ensure_consistent()?;
    function.stop().await
}

#[tokio::test]
async fn an_earlier_answer_can_be_regenerated_and_its_old_branch_stays_readable() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for answer in ["a1", "a2", "a1 again"] {
        world.gateway.next(answer_with(answer));
    }
    let first = send_body(
        &function,
        &alice,
        &conversation_body("t1", &[user_message("m1", "q1")]),
    )
    .await?;
    let first = first.chunks[0]["messageId"]
        .as_str()
        .context("an id")?
        .to_owned();
    let history = [
        user_message("m1", "q1"),
        assistant_message(&first, "a1"),
        user_message("m2", "q2"),
    ];
    let second = send_body(&function, &alice, &conversation_body("t1", &history)).await?;
    let second = second.chunks[0]["messageId"]
        .as_str()
        .context("an id")?
        .to_owned();
    send_body(
        &function,
        &alice,
        &regenerate_body("t1", &[user_message("m1", "q1")], Some(&first)),
    )
    .await?;
    ensure_path(&world, &alice, "t1", &["u:q1", "a:a1 again"]).await?;
    ensure_branch(
        &world,
        &alice,
        "t1",
        &second,
        &["u:q1", "a:a1", "u:q2", "a:a2"],
    )
    .await?;
    function.stop().await
}

#[tokio::test]
async fn an_edited_question_is_stored_next_to_the_old_one() -> Result<()> {
    let world = World::new().await?;
    let function = Function::start_plain(&world.variables()).await?;
    let alice = world.sign_in("alice").await?;
    for answer in ["a1", "a2", "a2 changed", "a1 changed", "a1 changed twice"] {
        world.gateway.next(answer_with(answer));
    }
    let id = |transcript: &Transcript| {
        transcript.chunks[0]["messageId"]
            .as_str()
            .map(str::to_owned)
            .context("an id")
    };
    let (q1, q2) = (user_message("m1", "q1"), user_message("m2", "q2"));
    let first = id(&send_body(
        &function,
        &alice,
        &conversation_body("t1", std::slice::from_ref(&q1)),
    )
    .await?)?;
    let a1 = assistant_message(&first, "a1");
    let second = id(&send_body(
        &function,
        &alice,
        &conversation_body("t1", &[q1.clone(), a1.clone(), q2]),
    )
    .await?)?;

    let last = edit_body("t1", &[q1, a1, user_message("m2", "q2 changed")]);
    let third = id(&send_body(&function, &alice, &last).await?)?;
    ensure_path(
        &world,
        &alice,
        "t1",
        &["u:q1", "a:a1", "u:q2 changed", "a:a2 changed"],
    )
    .await?;
    let again = send_body(&function, &alice, &last).await?;
    ensure!(
        again.text() == "a2 changed" && id(&again)? == third,
        "the same edit again is a retry: {again:?}"
    );

    send_body(
        &function,
        &alice,
        &edit_body("t1", &[user_message("m1", "q1 changed")]),
    )
    .await?;
    ensure_path(&world, &alice, "t1", &["u:q1 changed", "a:a1 changed"]).await?;
    send_body(
        &function,
        &alice,
        &edit_body("t1", &[user_message("m1", "q1 changed twice")]),
    )
    .await?;
    ensure_path(
        &world,
        &alice,
        "t1",
        &["u:q1 changed twice", "a:a1 changed twice"],
    )
    .await?;
    ensure_branch(
        &world,
        &alice,
        "t1",
        &second,
        &["u:q1", "a:a1", "u:q2", "a:a2"],
    )
    .await?;
    ensure_branch(
        &world,
        &alice,
        "t1",
        &third,
        &["u:q1", "a:a1", "u:q2 changed", "a:a2 changed"],
    )
    .await?;
    ensure!(world.gateway.calls().len() == 5);
    ThreadSnapshot::read_at_rest(&world.engine, &alice, "t1")
        .await?
        .ensure_consistent()?;
    function.stop().await
}

#[tokio::test]
async fn the_real_client_can_regenerate_while_the_first_answer_streams() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    let Some(mut page) = Page::start("ai")? else {
        return Ok(());
    };
    for (name, function) in [("here", &pair.first), ("there", &pair.second)] {
        world.gateway.next(half_answer());
        world.gateway.next(answer_with("Another."));
        let send = PageLoad::send(&pair.first, &alice, name, vec![], question_message("m1"));
        let left = page
            .load(&PageLoad {
                leave_after: Some(FIRST_HALF_CHUNKS),
                ..send
            })
            .await?;
        let old = left.messages[1]["id"].as_str().context("an id")?.to_owned();
        let load = PageLoad::new(
            function,
            &alice,
            name,
            left.messages,
            PageAction::Regenerate,
        );
        let state = page
            .load(&PageLoad {
                message_id: Some(old.clone()),
                ..load
            })
            .await?;
        ensure!(state.status == "ready", "{name}: {state:?}");
        ensure_shows(&state, &[&question(), "Another."]).context(name)?;
        let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, name).await?;
        let statuses: Vec<_> = snapshot
            .answers()
            .iter()
            .map(|answer| answer["status"].clone())
            .collect();
        ensure!(statuses == ["stopped", "completed"], "{name}: {statuses:?}");
        let question_line = format!("u:{}", question());
        let stored = ensure_path(&world, &alice, name, &[&question_line, "a:Another."]).await?;
        ensure!(
            to_page_messages(&stored)?[1]["id"] == state.messages[1]["id"],
            "{name}: {stored:?}"
        );
        ensure_branch(
            &world,
            &alice,
            name,
            &old,
            &[&question_line, &format!("a:{}", first_half())],
        )
        .await?;
    }
    pair.stop().await
}

#[tokio::test]
async fn a_continued_answer_keeps_its_id_and_its_beginning() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    world.gateway.next(answer_with("To begin with. "));
    world.gateway.next(answer_with("And to go on."));
    let first = send_body(
        &pair.first,
        &alice,
        &conversation_body("t1", &[user_message("m1", "Tell.")]),
    )
    .await?;
    let id = first.chunks[0]["messageId"]
        .as_str()
        .context("an id")?
        .to_owned();
    let mut body = conversation_body(
        "t1",
        &[
            user_message("m1", "Tell."),
            assistant_message(&id, "To begin with. "),
        ],
    );
    body["messageId"] = id.as_str().into();
    let second = send_body(&pair.first, &alice, &body).await?;
    ensure!(second.chunks[0]["messageId"] == id.as_str(), "{second:?}");
    let stored = ensure_path(
        &world,
        &alice,
        "t1",
        &["u:Tell.", "a:To begin with. And to go on."],
    )
    .await?;
    ensure!(stored[1].id.as_str() == id, "{stored:?}");
    for function in pair.both() {
        let again = send_body(function, &alice, &body).await?;
        ensure!(
            again.done && again.chunks[0]["messageId"] == id.as_str(),
            "{again:?}"
        );
    }
    ensure!(
        world.gateway.calls().len() == 2,
        "the same continuation is a retry"
    );
    pair.stop().await
}

#[tokio::test]
async fn a_turn_can_be_taken_over_before_its_first_word() -> Result<()> {
    let world = World::new().await?;
    let pair = FunctionPair::start(&world, &[]).await?;
    let alice = world.sign_in("alice").await?;
    for (name, function) in [("here", &pair.first), ("there", &pair.second)] {
        let gate = Gate::default();
        let call = world.gateway.calls().len();
        world.gateway.next(answer_after(&gate));
        let old = fetch(turn_request(&pair.first, &alice, name, "m1")?).await?;
        gate.wait_until_reached().await?;
        let new = fetch(turn_request(function, &alice, name, "m2")?)
            .await?
            .transcript()
            .await?;
        ensure!(
            new.done && new.text() == responses::full_text(),
            "{name}: {new:?}"
        );
        ensure!(
            world.gateway.call(call).await?.ended().await? == Ended::Left,
            "{name}: the old call goes on"
        );
        let old = old.transcript().await?;
        ensure!(old.done && old.text().is_empty(), "{name}: {old:?}");
        let snapshot = ThreadSnapshot::read_at_rest(&world.engine, &alice, name).await?;
        ensure!(
            snapshot.answers()[0]["status"] == "stopped",
            "{name}: {:?}",
            snapshot.answers()
        );
        ensure!(
            stop_turn(function, &alice, name).await?.stream.is_none(),
            "{name}"
        );
    }
    pair.stop().await
}
