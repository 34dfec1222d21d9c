//! The two processes of the races, and the tools of a single race.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::Function;
use acceptance::aws::function_pair::FunctionPair;
use acceptance::client::requests::{
    conversation_body, last_message_body, post_request, user_message,
};
use acceptance::database::Engine;
use acceptance::gateway::{Gateway, Step, responses};
use acceptance::http_client::{Response, fetch};
use acceptance::session::SignedIn;
use acceptance::sse::Transcript;
use acceptance::world::{World, text_of};
use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use fastrand::Rng;
use http::Request;
use message::Role;
use serde_json::Value;
use store::StoredMessage;
use tokio::time::sleep;

use super::scenarios;

/// The one thread of each user.
pub(super) const THREAD: &str = "t";

/// The text before the seed in the name of every user and in every question.
const MARKER: &str = "race-";

/// The longest pause of the table before and after a request.
const MAX_TABLE_PAUSE: Duration = Duration::from_millis(15);

/// The words of every answer after the repeated question.
const ANSWER_WORDS: [&str; 4] = ["sweet ", "marzipan ", "and ", "more."];

/// Two processes on one table.
pub(super) struct RaceSetup {
    pub(super) world: World,
    pub(super) pair: FunctionPair,
}

impl RaceSetup {
    pub(super) async fn start() -> Result<Self> {
        let world = World {
            engine: Engine::start().await?,
            gateway: Gateway::start(vec![Step::Choose(answer_steps)]).await?,
        };
        world.engine.pause_requests_about(MARKER, MAX_TABLE_PAUSE);
        let pair = FunctionPair::start(&world, &[("JOURNAL_INTERVAL_MS", "60")]).await?;
        Ok(Self { world, pair })
    }

    pub(super) async fn stop(self) -> Result<()> {
        self.pair.stop().await
    }

    /// Returns the number of model calls for each seed.
    pub(super) fn calls(&self) -> BTreeMap<u64, usize> {
        let mut calls = BTreeMap::new();
        for seed in self
            .world
            .gateway
            .calls()
            .iter()
            .filter_map(|call| seed_in(&call.body))
        {
            *calls.entry(seed).or_default() += 1;
        }
        calls
    }
}

/// Returns the last text of the prompt.
fn last_text(body: &Value) -> Option<&str> {
    let last = body["prompt"].as_array()?.last()?;
    last["content"]
        .as_array()?
        .iter()
        .rev()
        .find_map(|part| part["text"].as_str())
}

fn seed_in(body: &Value) -> Option<u64> {
    let (_, rest) = last_text(body)?.split_once(MARKER)?;
    rest.split(' ').next()?.parse().ok()
}

/// Returns the gateway's answer: the question and some words, each after a pause that depends on
/// the question.
fn answer_steps(body: &Value) -> Vec<Step> {
    let question = last_text(body).unwrap_or_default();
    let mut random = Rng::with_seed(
        question
            .bytes()
            .fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte)),
    );
    let mut pause = |most: u64| Step::Pause(Duration::from_millis(random.u64(..=most)));
    let mut steps = vec![pause(25), responses::head()];
    let text = answer_to(question);
    let pieces: Vec<&str> = text.split_inclusive(' ').collect();
    for part in responses::parts(&pieces) {
        steps.extend([pause(8), Step::Send(responses::frame(&part))]);
    }
    steps.push(Step::End);
    steps
}

/// Returns the complete answer to a question.
pub(super) fn answer_to(question: &str) -> String {
    format!("{question}: {}", ANSWER_WORDS.concat())
}

/// One race.
pub(super) struct Race<'a> {
    pub(super) setup: &'a RaceSetup,
    pub(super) seed: u64,
    pub(super) random: Rng,
    pub(super) who: SignedIn,
}

impl<'a> Race<'a> {
    pub(super) fn new(setup: &'a RaceSetup, seed: u64) -> Self {
        let who = SignedIn::new(&format!("{MARKER}{seed}"));
        Self {
            setup,
            seed,
            random: Rng::with_seed(seed),
            who,
        }
    }

    /// Runs the race, and checks the table once no turn runs. Returns the allowed number of model
    /// calls.
    pub(super) async fn run(mut self) -> Result<RangeInclusive<usize>> {
        let (name, scenario) = scenarios::find(self.seed);
        self.setup.world.sign_in(&self.who.user).await?;
        let calls = scenario(&mut self).await.context(name)?;
        let snapshot = self.snapshot_at_rest().await.context(name)?;
        snapshot
            .ensure_consistent()
            .map_err(|error| anyhow!("{name}: {error:#}: {snapshot:?}"))?;
        Ok(calls)
    }

    /// Reads the thread's items once no turn runs.
    pub(super) async fn snapshot_at_rest(&self) -> Result<ThreadSnapshot> {
        ThreadSnapshot::read_at_rest(&self.setup.world.engine, &self.who, THREAD).await
    }

    /// Chooses one of the two processes.
    pub(super) fn choose_function(&mut self) -> &'a Function {
        self.setup.pair.both()[usize::from(self.random.bool())]
    }

    /// Draws a pause of up to `most` milliseconds.
    pub(super) fn pause(&mut self, most: u64) -> Duration {
        Duration::from_micros(self.random.u64(..=most * 1000))
    }

    /// Returns the question of the message with this id.
    pub(super) fn question(&self, id: &str) -> String {
        format!("{MARKER}{} {id}", self.seed)
    }

    pub(super) fn message(&self, id: &str) -> Value {
        user_message(id, &self.question(id))
    }

    /// Builds the request with a question, to either process.
    pub(super) fn question_request(&mut self, id: &str) -> Result<Request<Bytes>> {
        let body = conversation_body(THREAD, &[self.message(id)]).to_string();
        post_request(self.choose_function(), &self.who.clone(), body)
    }

    /// Builds the request with a question, or one that leaves the history to the server and so
    /// waits for the turn before it to be stored.
    pub(super) fn next_request(&mut self, id: &str) -> Result<Request<Bytes>> {
        if self.random.bool() {
            return self.question_request(id);
        }
        let body = last_message_body(THREAD, &self.message(id)).to_string();
        post_request(self.choose_function(), &self.who.clone(), body)
    }

    /// Returns the role and text of the stored messages of the current path, without empty ones.
    pub(super) async fn path(&self) -> Result<Vec<(Role, String)>> {
        let stored = self.setup.world.stored_messages(&self.who, THREAD).await?;
        let line = |message: &StoredMessage| Ok((message.role, text_of(message)?));
        let lines: Result<Vec<_>> = stored.iter().map(line).collect();
        Ok(lines?
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .collect())
    }

    /// Checks that the path holds these questions in order, each followed by the answer or its
    /// beginning.
    pub(super) async fn ensure_path(&self, ids: &[&str]) -> Result<()> {
        let path = self.path().await?;
        let questions: Vec<_> = path
            .iter()
            .filter(|(role, _)| *role == Role::User)
            .map(|(_, text)| text.as_str())
            .collect();
        let expected: Vec<_> = ids.iter().map(|id| self.question(id)).collect();
        ensure!(questions == expected, "the path is {path:?}");
        let mut question = "";
        for (role, text) in &path {
            match role {
                Role::User => question = text,
                Role::Assistant => {
                    ensure!(
                        answer_to(question).starts_with(text.as_str()),
                        "the path is {path:?}"
                    );
                    question = "answered already";
                }
            }
        }
        Ok(())
    }
}

/// Sends a request after a pause.
pub(super) async fn send_after(pause: Duration, request: Request<Bytes>) -> Result<Response> {
    sleep(pause).await;
    fetch(request).await
}

/// Sends a request after a pause, and reads the answer as a stream.
pub(super) async fn read_after(pause: Duration, request: Request<Bytes>) -> Result<Transcript> {
    read(send_after(pause, request).await?).await
}

/// Reads an answer as a stream that has one beginning and one legal end.
pub(super) async fn read(answer: Response) -> Result<Transcript> {
    let status = answer.status;
    ensure!(status == 200, "{status}: {:?}", answer.bytes().await?);
    let transcript = answer.transcript().await?;
    let count = |kind: &str| {
        transcript
            .chunks
            .iter()
            .filter(|chunk| chunk["type"] == kind)
            .count()
    };
    ensure!(
        transcript.done && transcript.chunks[0]["type"] == "start",
        "{transcript:?}"
    );
    ensure!(
        count("start") == 1 && count("finish") + count("abort") + count("error") >= 1,
        "{transcript:?}"
    );
    ensure!(
        count("finish") + count("abort") <= 1,
        "two ends: {transcript:?}"
    );
    Ok(transcript)
}
