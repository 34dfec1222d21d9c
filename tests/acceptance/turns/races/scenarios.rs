//! The scenarios of the races, and their conditions, which must hold whatever the order.

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;

use acceptance::client::requests::{post_request, regenerate_body, resume_request, stop_request};
use acceptance::http_client::fetch;
use acceptance::sse::Transcript;
use acceptance::world::{metadata, text_of};
use anyhow::{Context, Result, bail, ensure};
use message::Role;
use store::Status;
use tokio::task::JoinSet;

use super::dead_turn;
use super::race::{Race, THREAD, answer_to, read, read_after, send_after};

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<RangeInclusive<usize>>> + 'a>>;
type Scenario = for<'a, 'b> fn(&'b mut Race<'a>) -> Outcome<'b>;

const ALL: [(&str, Scenario); 8] = [
    ("equal requests", |race| Box::pin(equal_requests(race))),
    ("a stop and the end", |race| Box::pin(stop_and_end(race))),
    ("a new message and the end", |race| {
        Box::pin(new_message_and_end(race))
    }),
    ("readers and the end", |race| {
        Box::pin(readers_and_end(race))
    }),
    ("recoveries of one dead turn", |race| {
        Box::pin(dead_turn::recover_dead_turn(race))
    }),
    ("a dead turn and the next message", |race| {
        Box::pin(dead_turn::follow_dead_turn(race))
    }),
    ("another answer while the first one comes", |race| {
        Box::pin(regenerate_while_running(race))
    }),
    ("two new messages at once", |race| {
        Box::pin(two_new_messages(race))
    }),
];

/// Returns the scenario of a seed, and its name.
pub(super) fn find(seed: u64) -> (&'static str, Scenario) {
    ALL[usize::try_from(seed % 8).unwrap_or_default()]
}

/// Returns the type of a stream's last chunk: `finish`, `abort` or `error`.
fn last_chunk_type(transcript: &Transcript) -> &str {
    transcript.types().last().copied().unwrap_or_default()
}

async fn equal_requests(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let mut requests = JoinSet::new();
    for _ in 0..race.random.usize(2..=5) {
        requests.spawn(read_after(race.pause(60), race.question_request("m1")?));
    }
    let mut first: Option<Transcript> = None;
    for transcript in requests.join_all().await {
        let transcript = transcript?;
        ensure!(
            transcript.text() == answer_to(&race.question("m1")),
            "{transcript:?}"
        );
        ensure!(last_chunk_type(&transcript) == "finish", "{transcript:?}");
        let first = first.get_or_insert_with(|| transcript.clone());
        ensure!(
            transcript.chunks[0]["messageId"] == first.chunks[0]["messageId"],
            "two answers"
        );
        ensure!(
            transcript.first("finish") == first.first("finish"),
            "{transcript:?}\n{first:?}"
        );
    }
    race.ensure_path(&["m1"]).await?;
    Ok(1..=1)
}

async fn stop_and_end(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let answer = fetch(race.question_request("m1")?).await?;
    let who = race.who.clone();
    let mut stops = JoinSet::new();
    for _ in 0..race.random.usize(1..=2) {
        stops.spawn(send_after(
            race.pause(90),
            stop_request(race.choose_function(), &who, THREAD, "")?,
        ));
    }
    let transcript = read(answer).await?;
    for stopped in stops.join_all().await {
        let stopped = stopped?;
        ensure!(stopped.status == 200, "a stop: {}", stopped.status);
    }
    let stored = race.setup.world.only_answer(&race.who, THREAD).await;
    let text = transcript.text();
    match (last_chunk_type(&transcript), stored) {
        ("finish", Ok(stored)) => {
            ensure!(stored.status == Some(Status::Completed), "{stored:?}");
            ensure!(
                text == answer_to(&race.question("m1")) && text_of(&stored)? == text,
                "{stored:?}"
            );
        }
        ("abort", Ok(stored)) => {
            ensure!(stored.status == Some(Status::Stopped), "{stored:?}");
            ensure!(
                metadata(&stored, "aborted") == true && text_of(&stored)? == text,
                "{stored:?}: {transcript:?}"
            );
        }
        ("abort", Err(_)) if text.is_empty() => {}
        (end, stored) => bail!("{end}: {stored:?}"),
    }
    race.ensure_path(&["m1"]).await?;
    Ok(0..=1)
}

async fn new_message_and_end(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let answer = fetch(race.question_request("m1")?).await?;
    let new = tokio::spawn(read_after(race.pause(120), race.next_request("m2")?));
    let old = read(answer).await?;
    let new = new.await??;
    ensure!(
        ["finish", "abort"].contains(&last_chunk_type(&old)),
        "{old:?}"
    );
    ensure!(
        last_chunk_type(&new) == "finish" && new.text() == answer_to(&race.question("m2")),
        "{new:?}"
    );
    let snapshot = race.snapshot_at_rest().await?;
    let statuses: Vec<_> = snapshot
        .answers()
        .iter()
        .map(|answer| answer["status"].clone())
        .collect();
    let expected = if last_chunk_type(&old) == "finish" {
        "completed"
    } else {
        "stopped"
    };
    ensure!(
        statuses == [expected, "completed"],
        "{statuses:?} after {}",
        last_chunk_type(&old)
    );
    race.ensure_path(&["m1", "m2"]).await?;
    let path = race.path().await?;
    let first = path
        .get(1)
        .filter(|(role, _)| *role == Role::Assistant)
        .map(|(_, text)| text.as_str());
    ensure!(
        first.unwrap_or_default() == old.text(),
        "stored {first:?}, sent {old:?}"
    );
    Ok(1..=2)
}

async fn readers_and_end(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let answer = fetch(race.question_request("m1")?).await?;
    let who = race.who.clone();
    let mut readers = JoinSet::new();
    for _ in 0..race.random.usize(2..=4) {
        readers.spawn(send_after(
            race.pause(110),
            resume_request(race.choose_function(), &who, THREAD)?,
        ));
    }
    let mut readings = Vec::new();
    while let Some(reader) = readers.join_next().await {
        let reader = reader??;
        if reader.status == 204 {
            let stored = race
                .setup
                .world
                .only_answer(&race.who, THREAD)
                .await
                .context("sent away too early")?;
            ensure!(
                stored.status == Some(Status::Completed),
                "sent away too early: {stored:?}"
            );
        } else {
            readings.push(tokio::spawn(read(reader)));
        }
    }
    let first = read(answer).await?;
    for reading in readings {
        let transcript = reading.await??;
        ensure!(
            transcript.text() == answer_to(&race.question("m1")),
            "{transcript:?}"
        );
        ensure!(
            transcript.types() == first.types(),
            "{transcript:?}\n{first:?}"
        );
        ensure!(
            transcript.chunks[0]["messageId"] == first.chunks[0]["messageId"],
            "{transcript:?}"
        );
    }
    race.ensure_path(&["m1"]).await?;
    Ok(1..=1)
}

async fn regenerate_while_running(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let answer = fetch(race.question_request("m1")?).await?;
    let body = regenerate_body(THREAD, &[race.message("m1")], None).to_string();
    let request = post_request(race.choose_function(), &race.who.clone(), body)?;
    let new = tokio::spawn(read_after(race.pause(120), request));
    let old = read(answer).await?;
    let new = new.await??;
    ensure!(
        ["finish", "abort"].contains(&last_chunk_type(&old)),
        "{old:?}"
    );
    ensure!(
        last_chunk_type(&new) == "finish" && new.text() == answer_to(&race.question("m1")),
        "{new:?}"
    );
    race.snapshot_at_rest().await?;
    race.ensure_path(&["m1"]).await?;
    let stored = race.setup.world.only_answer(&race.who, THREAD).await?;
    ensure!(
        new.chunks[0]["messageId"] == stored.id.as_str(),
        "the path shows another answer: {stored:?}"
    );
    ensure!(
        new.chunks[0]["messageId"] != old.chunks[0]["messageId"],
        "two answers with one id"
    );
    Ok(1..=2)
}

async fn two_new_messages(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let answer = fetch(race.question_request("m1")?).await?;
    let second = tokio::spawn(read_after(race.pause(60), race.next_request("m2")?));
    let third = tokio::spawn(read_after(race.pause(60), race.next_request("m3")?));
    let first = read(answer).await?;
    let (second, third) = (second.await??, third.await??);
    let ends = [last_chunk_type(&second), last_chunk_type(&third)];
    ensure!(ends.contains(&"finish"), "no message won: {ends:?}");
    for transcript in [&first, &second, &third] {
        ensure!(
            ["finish", "abort"].contains(&last_chunk_type(transcript)),
            "{transcript:?}"
        );
    }
    race.snapshot_at_rest().await?;
    let path = race.path().await?;
    let last = path
        .iter()
        .rfind(|(role, _)| *role == Role::User)
        .map(|(_, text)| text.clone());
    let order = if last == Some(race.question("m3")) {
        ["m1", "m2", "m3"]
    } else {
        ["m1", "m3", "m2"]
    };
    race.ensure_path(&order).await?;
    Ok(1..=3)
}
