//! Answers as long as one may be, and longer, and the same answers replayed to a page that sends
//! its message again.

use acceptance::aws::Function;
use acceptance::client::requests::{conversation_body, post_request, question, user_message};
use acceptance::gateway::Step;
use acceptance::gateway::responses::{
    delta, finish, frame, head, opening_parts, send_steps, text_end,
};
use acceptance::http_client::fetch;
use acceptance::session::SignedIn;
use acceptance::sse::Transcript;
use acceptance::world::{World, metadata, text_of};
use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use serde_json::json;
use store::Status;

use super::content::noise;
use super::report::Report;
use super::{MAX_PEAK_MIB, Peak, start_chat};

/// The most bytes of stream that one answer may make.
const MAX_STREAM_BYTES: usize = 16 * 1024 * 1024;

struct Case {
    name: &'static str,
    question: fn() -> String,
    /// The writes between the start of the text and its end.
    writes: fn() -> Vec<Bytes>,
    ending: Ending,
    limit_mib: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Completed,
    /// The answer is ended because its stream would be too long.
    TooLong,
}

impl Case {
    const fn completed(name: &'static str, writes: fn() -> Vec<Bytes>) -> Self {
        Self {
            name,
            question,
            writes,
            ending: Ending::Completed,
            limit_mib: MAX_PEAK_MIB,
        }
    }

    const fn too_long(name: &'static str, writes: fn() -> Vec<Bytes>) -> Self {
        Self {
            ending: Ending::TooLong,
            ..Self::completed(name, writes)
        }
    }
}

const LONG: [Case; 3] = [
    Case::too_long("16 MiB in deltas of 100 bytes", || {
        deltas(100, MAX_STREAM_BYTES + 100_000)
    }),
    Case::too_long("16 MiB in deltas of 4 KB", || {
        deltas(4096, MAX_STREAM_BYTES + 100_000)
    }),
    Case {
        // The one exception: a limit of body and answer that follows the function's memory is not built yet.
        limit_mib: 145.0,
        question: || noise(6_200_000),
        ..Case::completed("15.5 MB after a question of 6 MB", || {
            deltas(4096, 15_500_000)
        })
    },
];

const LARGE_EVENTS: [Case; 3] = [
    Case::too_long("five deltas of 4 MB", || vec![text_frame(4_000_000); 5]),
    Case::too_long("two deltas of 11 MB", || vec![text_frame(11_000_000); 2]),
    Case::too_long("15.5 MB and a file of 11.8 MB", || {
        let mut writes = deltas(4096, 15_500_000);
        let data = json!({"type": "data", "data": noise(11_800_000)});
        writes.push(frame(
            &json!({"type": "file", "mediaType": "image/png", "data": data}),
        ));
        writes
    }),
];

const REPEATED_METADATA: [Case; 3] = [
    Case::too_long("256 KB of metadata and 1,000 deltas", || {
        repeated_metadata(256, 1000)
    }),
    Case::too_long("64 KB of metadata and 400 deltas", || {
        repeated_metadata(64, 400)
    }),
    Case::too_long("64 KB of metadata and 2,000 deltas", || {
        repeated_metadata(64, 2000)
    }),
];

#[tokio::test]
async fn the_longest_answers_fit_the_smallest_function() -> Result<()> {
    measure_all("long answer", &LONG).await
}

#[tokio::test]
async fn answers_in_large_events_fit_the_smallest_function() -> Result<()> {
    measure_all("answer in large events", &LARGE_EVENTS).await
}

#[tokio::test]
async fn metadata_that_repeats_with_every_delta_fits_the_smallest_function() -> Result<()> {
    measure_all("answer with metadata", &REPEATED_METADATA).await
}

async fn measure_all(title: &str, cases: &[Case]) -> Result<()> {
    let mut report = Report::new(title);
    for case in cases {
        measure(case, &mut report)
            .await
            .with_context(|| case.name)?;
    }
    report.finish()
}

/// Measures the process that makes the answer, the same when the message is sent again, and another
/// that replays it.
async fn measure(case: &Case, report: &mut Report) -> Result<()> {
    let world = World::new().await?;
    let who = world.sign_in("alice").await?;
    world.gateway.next(steps((case.writes)()));
    let messages = [user_message("m1", &(case.question)())];
    let body = conversation_body("t1", &messages).to_string();
    let turn = Turn {
        case,
        world,
        who,
        body,
    };

    let first = start_chat(&turn.world).await?;
    turn.measure("", &first, report).await;
    turn.measure(", replayed", &first, report).await;
    first.stop().await?;
    let other = start_chat(&turn.world).await?;
    turn.measure(", replayed by another process", &other, report)
        .await;
    other.stop().await
}

/// A message that is sent several times, and answered once.
struct Turn<'a> {
    case: &'a Case,
    world: World,
    who: SignedIn,
    body: String,
}

impl Turn<'_> {
    async fn measure(&self, step: &str, function: &Function, report: &mut Report) {
        let name = format!("{}{step}", self.case.name);
        let answered = self.answer(function).await;
        report.add(&name, self.case.limit_mib, Peak::of(function).await);
        if let Err(error) = answered {
            report.fail(&name, &error);
        }
    }

    /// Makes sure that the answer, live or replayed, ends as it should and is stored as it was
    /// sent.
    async fn answer(&self, function: &Function) -> Result<()> {
        let answer = fetch(post_request(function, &self.who, self.body.clone())?).await?;
        ensure!(answer.status == 200, "{}", answer.status);
        let transcript = answer.transcript().await?;
        ensure!(
            self.world.gateway.calls().len() == 1,
            "the model was called again"
        );
        ensure_ended(self.case.ending, &transcript)?;
        let stored = self.world.only_answer(&self.who, "t1").await?;
        let expected = match self.case.ending {
            Ending::Completed => (Some(Status::Completed), json!(null)),
            Ending::TooLong => (Some(Status::Failed), json!("too_long")),
        };
        let found = (stored.status, metadata(&stored, "error"));
        ensure!(found == expected, "stored as {found:?}");
        let is_same = text_of(&stored)? == transcript.text();
        ensure!(is_same, "another text is stored than was sent");
        Ok(())
    }
}

fn ensure_ended(ending: Ending, transcript: &Transcript) -> Result<()> {
    ensure!(transcript.done, "the stream does not end in [DONE]");
    ensure!(!transcript.text().is_empty(), "the stream has no text");
    let error = transcript
        .first("error")
        .map(|error| error["errorText"].clone());
    ensure!(error.is_some() == (ending == Ending::TooLong), "{error:?}");
    Ok(())
}

/// Makes a good answer of these writes.
fn steps(writes: Vec<Bytes>) -> Vec<Step> {
    let mut steps = vec![head()];
    steps.extend(send_steps(&opening_parts()));
    steps.extend(writes.into_iter().map(Step::Send));
    steps.extend(send_steps(&[text_end(), finish()]));
    steps.push(Step::End);
    steps
}

/// Makes one delta with so many bytes of text.
fn text_frame(length: usize) -> Bytes {
    frame(&delta(&noise(length)))
}

/// Makes deltas of `length` bytes of text, as many as make `stream` bytes of stream. Several go
/// into one write.
fn deltas(length: usize, stream: usize) -> Vec<Bytes> {
    const WRITE_BYTES: usize = 16 * 1024;
    let letters = noise(stream);
    let frames = (0..stream / text_frame(length).len()).map(|number| {
        let start = number * length;
        frame(&delta(&letters[start..start + length]))
    });
    let mut writes = Vec::new();
    let mut write = BytesMut::new();
    for frame in frames {
        write.extend_from_slice(&frame);
        if write.len() >= WRITE_BYTES {
            writes.push(write.split().freeze());
        }
    }
    writes.push(write.freeze());
    writes
}

/// Makes one delta with so many kilobytes of metadata, which every later delta of the text carries
/// too, and `count` deltas of one byte, all in one write.
fn repeated_metadata(kilobytes: usize, count: usize) -> Vec<Bytes> {
    let mut first = delta("a");
    first["providerMetadata"] = json!({"provider": {"signature": noise(kilobytes * 1000)}});
    let mut write = BytesMut::from(&frame(&first)[..]);
    for _ in 0..count {
        write.extend_from_slice(&frame(&delta("b")));
    }
    vec![write.freeze()]
}
