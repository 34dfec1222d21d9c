//! The scenarios of the races, and their conditions, which must hold whatever the order.

use std::future::Future;
use std::ops::RangeInclusive;
use std::pin::Pin;

use acceptance::http_client::fetch;
use acceptance::routes::{regenerate_body, resume_request, stop_request};
use acceptance::sse::Transcript;
use acceptance::world::{metadata, post_request, text_of};
use anyhow::{Context, Result, bail, ensure};
use message::Role;
use store::Status;
use tokio::task::JoinSet;

use super::arena::{Race, THREAD, after, answer_to, read, told_after};
use super::dead;

type Outcome<'a> = Pin<Box<dyn Future<Output = Result<RangeInclusive<usize>>> + 'a>>;
type Scenario = for<'a, 'b> fn(&'b mut Race<'a>) -> Outcome<'b>;

const ALL: [(&str, Scenario); 8] = [
    ("equal requests", |race| Box::pin(equal(race))),
    ("a stop and the end", |race| Box::pin(stop_and_end(race))),
    ("a new message and the end", |race| {
        Box::pin(new_and_end(race))
    }),
    ("readers and the end", |race| {
        Box::pin(readers_and_end(race))
    }),
    ("recoveries of one dead turn", |race| {
        Box::pin(dead::recoveries(race))
    }),
    ("a dead turn and the next message", |race| {
        Box::pin(dead::next_message(race))
    }),
    ("another answer while the first one comes", |race| {
        Box::pin(anew_while_running(race))
    }),
    ("two new messages at once", |race| Box::pin(two_new(race))),
];

/// Returns the scenario of a seed, and its name.
pub(super) fn of(seed: u64) -> (&'static str, Scenario) {
    ALL[usize::try_from(seed % 8).unwrap_or_default()]
}

/// Returns the type of a stream's last chunk: `finish`, `abort` or `error`.
fn end(transcript: &Transcript) -> &str {
    transcript.types().last().copied().unwrap_or_default()
}

async fn equal(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let mut requests = JoinSet::new();
    for _ in 0..race.random.usize(2..=5) {
        requests.spawn(told_after(race.pause(60), race.asks("m1")?));
    }
    let mut first: Option<Transcript> = None;
    for transcript in requests.join_all().await {
        let transcript = transcript?;
        ensure!(
            transcript.text() == answer_to(&race.question("m1")),
            "{transcript:?}"
        );
        ensure!(end(&transcript) == "finish", "{transcript:?}");
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
    let answer = fetch(race.asks("m1")?).await?;
    let who = race.who.clone();
    let mut stops = JoinSet::new();
    for _ in 0..race.random.usize(1..=2) {
        stops.spawn(after(
            race.pause(90),
            stop_request(race.either(), &who, THREAD, "")?,
        ));
    }
    let transcript = read(answer).await?;
    for stopped in stops.join_all().await {
        let stopped = stopped?;
        ensure!(stopped.status == 200, "a stop: {}", stopped.status);
    }
    let stored = race.arena.world.only_answer(&race.who, THREAD).await;
    let text = transcript.text();
    match (end(&transcript), stored) {
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

async fn new_and_end(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let answer = fetch(race.asks("m1")?).await?;
    let new = tokio::spawn(told_after(race.pause(120), race.asks_next("m2")?));
    let old = read(answer).await?;
    let new = new.await??;
    ensure!(["finish", "abort"].contains(&end(&old)), "{old:?}");
    ensure!(
        end(&new) == "finish" && new.text() == answer_to(&race.question("m2")),
        "{new:?}"
    );
    let ledger = race.settled().await?;
    let statuses: Vec<_> = ledger
        .answers()
        .iter()
        .map(|answer| answer["status"].clone())
        .collect();
    let expected = if end(&old) == "finish" {
        "completed"
    } else {
        "stopped"
    };
    ensure!(
        statuses == [expected, "completed"],
        "{statuses:?} after {}",
        end(&old)
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
    let answer = fetch(race.asks("m1")?).await?;
    let who = race.who.clone();
    let mut readers = JoinSet::new();
    for _ in 0..race.random.usize(2..=4) {
        readers.spawn(after(
            race.pause(110),
            resume_request(race.either(), &who, THREAD)?,
        ));
    }
    let mut readings = Vec::new();
    while let Some(reader) = readers.join_next().await {
        let reader = reader??;
        if reader.status == 204 {
            let stored = race
                .arena
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

async fn anew_while_running(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let answer = fetch(race.asks("m1")?).await?;
    let body = regenerate_body(THREAD, &[race.message("m1")], None).to_string();
    let request = post_request(race.either(), &race.who.clone(), body)?;
    let new = tokio::spawn(told_after(race.pause(120), request));
    let old = read(answer).await?;
    let new = new.await??;
    ensure!(["finish", "abort"].contains(&end(&old)), "{old:?}");
    ensure!(
        end(&new) == "finish" && new.text() == answer_to(&race.question("m1")),
        "{new:?}"
    );
    race.settled().await?;
    race.ensure_path(&["m1"]).await?;
    let stored = race.arena.world.only_answer(&race.who, THREAD).await?;
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

async fn two_new(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let answer = fetch(race.asks("m1")?).await?;
    let second = tokio::spawn(told_after(race.pause(60), race.asks_next("m2")?));
    let third = tokio::spawn(told_after(race.pause(60), race.asks_next("m3")?));
    let first = read(answer).await?;
    let (second, third) = (second.await??, third.await??);
    let ends = [end(&second), end(&third)];
    ensure!(ends.contains(&"finish"), "nobody won: {ends:?}");
    for transcript in [&first, &second, &third] {
        ensure!(
            ["finish", "abort"].contains(&end(transcript)),
            "{transcript:?}"
        );
    }
    race.settled().await?;
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
