//! Races over a turn whose process died: its begin, its question and its journal are in the table,
//! its end is not.

use std::ops::RangeInclusive;
use std::time::SystemTime;

use acceptance::client::requests::{resume_request, stop_request};
use acceptance::gateway::responses::frame;
use acceptance::http_client::Response;
use acceptance::session::epoch_ms;
use acceptance::world::DEFAULT_MODEL;
use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use http::Request;
use message::{MessageId, StreamId, ThreadId, UserId};
use serde_json::{Value, json};
use store::{Begin, BeginTurn, JournalPiece, Question, TurnLimits, UserMessage};
use tokio::task::JoinSet;

use super::race::{Race, THREAD, answer_to, read, read_after, send_after};

const STREAM: &str = "stream-of-the-dead";
const ANSWER: &str = "answer-of-the-dead";

/// Leaves a turn in the table as a process that died a minute ago would have. Returns the text in
/// its journal.
async fn leave_dead_turn(race: &mut Race<'_>) -> Result<String> {
    let store = race.setup.world.engine.store();
    let (user, thread) = (UserId::parse(&race.who.user)?, ThreadId::parse(THREAD)?);
    let (message, answer, stream) = (
        MessageId::parse("m1")?,
        MessageId::parse(ANSWER)?,
        StreamId::parse(STREAM)?,
    );
    // Spelled as the function spells it, since a repeated message is recognised by its text.
    let parts = format!(
        r#"[{{"type":"text","text":{}}}]"#,
        json!(race.question("m1"))
    );
    let now_ms = epoch_ms(SystemTime::now()) - 60_000;
    let begin = BeginTurn {
        user: &user,
        thread: &thread,
        message: &message,
        parts: &parts,
        continued: None,
        stream: &stream,
        answer: &answer,
        model: DEFAULT_MODEL,
        title: "",
        now_ms,
        lease_ms: 1_000,
        question: Question::Sent,
        supersede: true,
        limits: TurnLimits::default(),
    };
    let Begin::Begun(begun) = store.begin_turn(&begin).await? else {
        bail!("a first turn begins")
    };
    if !begun.question_inlined || race.random.bool() {
        store
            .put_user_message(
                &begun.keys,
                &UserMessage {
                    parts: &parts,
                    created_at_ms: now_ms,
                },
            )
            .await?;
    }
    let full = answer_to(&race.question("m1"));
    let journaled = if race.random.bool() {
        full[..race.random.usize(1..full.len())].to_owned()
    } else {
        String::new()
    };
    if !journaled.is_empty() {
        let bytes = to_journal(&journaled);
        let piece = JournalPiece {
            journal: &begun.keys.journal(),
            index: 0,
            bytes: &bytes,
            now_ms,
        };
        store.append_journal(&piece).await?;
    }
    Ok(journaled)
}

fn to_journal(journaled: &str) -> Vec<u8> {
    let chunks = [
        json!({"type": "start", "messageId": ANSWER}),
        json!({"type": "start-step"}),
        json!({"type": "text-start", "id": "0"}),
        json!({"type": "text-delta", "id": "0", "delta": journaled}),
    ];
    chunks.iter().flat_map(frame).collect()
}

/// Sends requests that only look at the thread, and sometimes one that would stop its running turn.
fn send_touches(race: &mut Race<'_>) -> Result<JoinSet<Result<Response>>> {
    let who = race.who.clone();
    let mut touches = JoinSet::new();
    for _ in 0..race.random.usize(1..=3) {
        let request: Request<Bytes> = resume_request(race.choose_function(), &who, THREAD)?;
        touches.spawn(send_after(race.pause(30), request));
    }
    if race.random.u8(..4) == 0 {
        touches.spawn(send_after(
            race.pause(30),
            stop_request(race.choose_function(), &who, THREAD, "")?,
        ));
    }
    Ok(touches)
}

async fn ensure_touches_answered(touches: JoinSet<Result<Response>>) -> Result<()> {
    for answer in touches.join_all().await {
        let answer = answer?;
        match answer.status.as_u16() {
            204 => {}
            // A later turn may be running by now.
            200 => drop(answer.bytes().await?),
            status => bail!("{status}: {:?}", answer.bytes().await?),
        }
    }
    Ok(())
}

/// Checks that the dead turn has one answer, with the text of its journal.
fn ensure_recovered(answers: &[&Value], journaled: &str) -> Result<()> {
    let of_the_dead: Vec<_> = answers
        .iter()
        .filter(|answer| answer["id"] == ANSWER)
        .collect();
    let [answer] = of_the_dead[..] else {
        bail!("{} answers of one turn: {answers:?}", of_the_dead.len())
    };
    let status = answer["status"].as_str().unwrap_or_default();
    ensure!(["interrupted", "stopped"].contains(&status), "{answer}");
    let parts: Vec<Value> = serde_json::from_str(answer["parts"].as_str().unwrap_or("[]"))?;
    let text: String = parts
        .iter()
        .filter_map(|part| part["text"].as_str())
        .collect();
    ensure!(
        text == journaled,
        "{text:?} was recovered, not {journaled:?}"
    );
    Ok(())
}

pub(super) async fn recover_dead_turn(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let journaled = leave_dead_turn(race).await?;
    let touches = send_touches(race)?;
    let mut retries = JoinSet::new();
    for _ in 0..race.random.usize(1..=3) {
        retries.spawn(read_after(race.pause(30), race.question_request("m1")?));
    }
    let full = answer_to(&race.question("m1"));
    for transcript in retries.join_all().await {
        let transcript = transcript?;
        if journaled.is_empty() {
            // A stop may meet the turn that runs again.
            ensure!(full.starts_with(&transcript.text()), "{transcript:?}");
        } else {
            ensure!(
                transcript.text() == journaled,
                "{journaled:?} was kept: {transcript:?}"
            );
            ensure!(
                transcript.chunks[0]["messageId"] == ANSWER,
                "{transcript:?}"
            );
        }
    }
    ensure_touches_answered(touches).await?;
    let snapshot = race.snapshot_at_rest().await?;
    ensure_recovered(&snapshot.answers(), &journaled)?;
    race.ensure_path(&["m1"]).await?;
    Ok(if journaled.is_empty() { 0..=2 } else { 0..=0 })
}

pub(super) async fn follow_dead_turn(race: &mut Race<'_>) -> Result<RangeInclusive<usize>> {
    let journaled = leave_dead_turn(race).await?;
    let touches = send_touches(race)?;
    let next = read(send_after(race.pause(30), race.next_request("m2")?).await?).await?;
    ensure_touches_answered(touches).await?;
    ensure!(
        answer_to(&race.question("m2")).starts_with(&next.text()),
        "{next:?}"
    );
    let snapshot = race.snapshot_at_rest().await?;
    ensure_recovered(&snapshot.answers(), &journaled)?;
    race.ensure_path(&["m1", "m2"]).await?;
    Ok(0..=1)
}
