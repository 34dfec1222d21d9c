//! One round: a process with many turns, its death, and the checks of what is left of them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use acceptance::assert::invariants::{SentMessage, find_violations};
use acceptance::assert::thread_snapshot::ThreadSnapshot;
use acceptance::aws::Function;
use acceptance::client::requests::{conversation_body, post_request, resume_request, user_message};
use acceptance::database::{Behaviour, Fault};
use acceptance::gate::Gate;
use acceptance::gateway::{Step, responses};
use acceptance::http_client::{Response, fetch};
use acceptance::session::{SignedIn, epoch_ms};
use acceptance::sse::Transcript;
use acceptance::wait::poll_until_ok;
use acceptance::world::World;
use anyhow::{Context, Result, bail, ensure};
use futures_util::future::{join_all, try_join_all};
use serde_json::json;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::plan::{FollowUp, Plan, Request, Trigger, draw};

/// The duration limit of a turn; it stops reading the model after two thirds of it, and its lease
/// is a third longer.
const MAX_TURN_MS: u64 = 4_500;
/// The latest end of a round, early enough for turns that still run to be killed.
const ROUND_TIMEOUT: Duration = Duration::from_millis(2_300);
/// The time before the kill whose streamed text may be lost.
const MAX_LOSS: Duration = Duration::from_millis(1_200);
/// The number of times that text is passed on between tasks and processes until it is in the table,
/// each time as late as the machine is.
const HOPS: u32 = 8;
/// The number of turns that a user may run at once.
const MAX_PARALLEL_TURNS: usize = 4;

/// The description of the point at which a turn was killed.
pub(super) type KillPoint = String;

/// The state of one turn until the kill.
struct Turn {
    plan: Plan,
    who: SignedIn,
    client: Arc<ClientProgress>,
    reading: JoinHandle<()>,
}

/// The bytes and events that a client has seen.
#[derive(Default)]
struct ClientProgress {
    /// The answer has begun, with status 200.
    begun: AtomicBool,
    /// The answer has ended properly.
    ended: AtomicBool,
    /// The pieces that have been read, and the times of reading.
    pieces: Mutex<Vec<(Instant, bytes::Bytes)>>,
}

impl ClientProgress {
    fn read(&self) -> String {
        self.read_until(Instant::now())
    }

    fn read_until(&self, then: Instant) -> String {
        let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let read = pieces
            .iter()
            .take_while(|(at, _)| *at <= then)
            .flat_map(|(_, piece)| piece.to_vec());
        String::from_utf8_lossy(&read.collect::<Vec<_>>()).into_owned()
    }
}

/// The number of bytes that all clients have read.
#[derive(Default)]
struct Bytes {
    read: AtomicUsize,
    more: Notify,
}

/// Plays a round, and returns the turns that died in it.
pub(super) async fn play(seed: u64, round: usize) -> Result<Vec<KillPoint>> {
    let (trigger, plans) = draw(seed, round);
    let world = World::new().await?;
    let parallel = MAX_PARALLEL_TURNS.to_string();
    let survivor = world.variables_with(&[("MAX_PARALLEL_TURNS", &parallel)]);
    let victim = world.variables_with(&[
        ("MAX_PARALLEL_TURNS", &parallel),
        ("MAX_TURN_MS", &MAX_TURN_MS.to_string()),
    ]);
    let (first, second) = tokio::try_join!(
        Function::start_plain(&victim),
        Function::start_plain(&survivor)
    )?;
    let bytes = Arc::new(Bytes::default());
    let mut turns = Vec::new();
    for plan in plans {
        turns.push(begin(&world, &first, plan, &bytes).await?);
    }
    let lateness = Lateness::watch();
    let stalled = wait_for_trigger(&trigger, &world, &turns, &bytes).await;
    let killed_at = Instant::now();
    first.kill().await?;
    let dead = turns
        .iter()
        .map(|turn| turn.kill_point(&world))
        .collect::<Vec<_>>();
    let lateness = lateness.longest();
    let loss = MAX_LOSS + HOPS * lateness + world.engine.slowest();
    let min_text: Vec<_> = turns
        .iter()
        .zip(&stalled)
        .map(|(turn, stalled)| turn.read_before(stalled.unwrap_or(killed_at).min(killed_at) - loss))
        .collect();
    world.engine.heal();
    world.gateway.clear_planned();
    let checks = turns
        .iter()
        .zip(min_text)
        .map(|(turn, min_text)| turn.finish_and_check(&world, &second, min_text));
    try_join_all(checks).await.with_context(|| {
        let slowest = world.engine.slowest();
        let trouble = problem_lines(&second.process.logs.lines());
        format!("the machine was up to {lateness:?} late, the table up to {slowest:?}{trouble}")
    })?;
    second.stop().await?;
    Ok(dead.into_iter().flatten().collect())
}

/// A watch of the lateness of this machine: a delay of the harness is a delay of the function too.
struct Lateness {
    longest: Arc<AtomicUsize>,
    watch: JoinHandle<()>,
}

impl Lateness {
    const TICK: Duration = Duration::from_millis(10);

    fn watch() -> Self {
        let longest = Arc::<AtomicUsize>::default();
        let seen = Arc::clone(&longest);
        let watch = tokio::spawn(async move {
            loop {
                let begun = Instant::now();
                sleep(Self::TICK).await;
                let late = begun.elapsed().saturating_sub(Self::TICK).as_millis();
                seen.fetch_max(
                    usize::try_from(late).unwrap_or(usize::MAX),
                    Ordering::SeqCst,
                );
            }
        });
        Self { longest, watch }
    }

    fn longest(self) -> Duration {
        self.watch.abort();
        Duration::from_millis(self.longest.load(Ordering::SeqCst) as u64)
    }
}

async fn begin(world: &World, function: &Function, plan: Plan, bytes: &Arc<Bytes>) -> Result<Turn> {
    let who = world.sign_in(&plan.user).await?;
    world.gateway.next_containing(&plan.question, plan.script());
    if let Some(fault) = plan.fault() {
        world.engine.fault(fault);
    }
    let body = conversation_body("t1", &[user_message("m1", &plan.question)]).to_string();
    let (request, client) = (
        post_request(function, &who, body)?,
        Arc::<ClientProgress>::default(),
    );
    let (seen, bytes, delay) = (Arc::clone(&client), Arc::clone(bytes), plan.delay);
    let reading = tokio::spawn(async move {
        sleep(delay).await;
        // Any end is fine, since the process is to be killed.
        drop(read(request, &seen, &bytes).await);
    });
    Ok(Turn {
        plan,
        who,
        client,
        reading,
    })
}

async fn read(
    request: http::Request<bytes::Bytes>,
    seen: &ClientProgress,
    bytes: &Bytes,
) -> Result<()> {
    let mut answer = fetch(request).await?;
    ensure!(answer.status == 200, "{}", answer.status);
    seen.begun.store(true, Ordering::SeqCst);
    while let Some(piece) = answer.next_piece().await? {
        bytes.read.fetch_add(piece.len(), Ordering::SeqCst);
        bytes.more.notify_one();
        seen.pieces
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((Instant::now(), piece));
    }
    seen.ended.store(true, Ordering::SeqCst);
    Ok(())
}

/// Waits for the trigger, and returns since when each turn has been waiting at its point.
async fn wait_for_trigger(
    trigger: &Trigger,
    world: &World,
    turns: &[Turn],
    bytes: &Bytes,
) -> Vec<Option<Instant>> {
    let since: Vec<_> = turns.iter().map(|_| Mutex::new(None)).collect();
    let all_at_points = async {
        join_all(turns.iter().zip(&since).map(async |(turn, since)| {
            if turn.plan.has_point() && turn.plan.gate.wait_until_reached().await.is_ok() {
                *since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
            }
        }))
        .await;
    };
    let triggered = async {
        match trigger {
            Trigger::Points(pause) => {
                // Turns that have ended never reach their planned point.
                let _ = timeout(ROUND_TIMEOUT - *pause, all_at_points).await;
                sleep(*pause).await;
            }
            Trigger::Requests(count) => {
                let gate = Gate::default();
                let held = if count % 2 == 0 {
                    Behaviour::Hold(gate.clone())
                } else {
                    Behaviour::HoldAnswer(gate.clone())
                };
                world
                    .engine
                    .fault(Fault::of("", "crash", held).after(*count).times(1));
                let _ = gate.wait_until_reached().await;
            }
            Trigger::Bytes(count) => {
                while bytes.read.load(Ordering::SeqCst) < *count {
                    bytes.more.notified().await;
                }
            }
        }
    };
    let _ = timeout(ROUND_TIMEOUT, triggered).await;
    since
        .into_iter()
        .map(|since| since.into_inner().unwrap_or_else(PoisonError::into_inner))
        .collect()
}

impl Turn {
    /// Returns the point at which the turn was killed, or `None` if it had not begun yet or had
    /// ended.
    fn kill_point(&self, world: &World) -> Option<KillPoint> {
        let operations = world.engine.operations();
        let own = operations
            .iter()
            .filter(|one| one.body.contains(&self.plan.user));
        let last = own.filter_map(Request::of).next_back()?;
        let running = || format!("running, after {}", last.name);
        // A turn does its last work when its client has read the end.
        let ended = self.client.ended.load(Ordering::SeqCst);
        self.plan
            .describe_point()
            .or_else(|| (!ended).then(running))
    }

    /// Returns the text that the client had read by then, and that must be in the answer.
    fn read_before(&self, then: Instant) -> String {
        let read = self.client.read_until(then);
        let is_read = |piece: &&String| read.contains(&json!(piece).to_string());
        self.plan
            .pieces
            .iter()
            .take_while(is_read)
            .map(String::as_str)
            .collect()
    }

    /// Sends the follow-ups and the next message, and judges the stored result.
    async fn finish_and_check(
        &self,
        world: &World,
        function: &Function,
        min_text: String,
    ) -> Result<()> {
        let name = || format!("{}, followed by {:?}", self.plan.user, self.plan.follow_up);
        self.reading.abort();
        if self.plan.is_late() && !self.plan.is_very_late {
            self.plan.gate.open();
        }
        let lease = self.lease_end_ms(world)?;
        if !self.plan.is_at_once {
            wait_past(lease).await;
        }
        let follow_ups = self
            .plan
            .follow_up
            .singles()
            .into_iter()
            .map(|follow_up| self.follow_up(function, follow_up));
        let is_acknowledged = try_join_all(follow_ups)
            .await
            .with_context(name)?
            .into_iter()
            .any(|is_acknowledged| is_acknowledged);
        wait_past(lease).await;
        if self.plan.is_late() {
            self.plan.gate.open();
        }
        self.send_next(world, function).await.with_context(name)?;
        let mut sent = vec![self.first(world, min_text, is_acknowledged)];
        if self.plan.follow_up.sends_another() {
            sent.push(acknowledged_message("m2", &self.question("m2"), world));
        }
        sent.push(acknowledged_message("m3", &self.question("m3"), world));
        let check = async || {
            let snapshot = ThreadSnapshot::read(&world.engine, &self.who, "t1")?;
            let violations = find_violations(&snapshot, &sent, epoch_ms(SystemTime::now()));
            ensure!(
                violations.is_empty(),
                "{}: {violations:?}: {:#?}",
                name(),
                snapshot
            );
            Ok(())
        };
        // An older turn may be finalized later than its answer is stored.
        poll_until_ok("the promised items in the table", check).await
    }

    /// Returns the time at which the turn that died counts as dead and its quota slot is free, in
    /// milliseconds since 1970. A write that is still to come has the latest possible lease.
    fn lease_end_ms(&self, world: &World) -> Result<u64> {
        let rows = world.engine.rows(&format!("U#{}", self.plan.user))?;
        let of_thread = rows.iter().filter_map(|row| row["lease"].as_u64());
        let slots = rows
            .iter()
            .filter_map(|row| row["slots"].as_array())
            .flatten();
        let of_slots = slots.filter_map(|slot| slot.as_str()?.split_once('#')?.0.parse().ok());
        let known = of_thread.chain(of_slots).max();
        let latest = epoch_ms(SystemTime::now()) + MAX_TURN_MS * 4 / 3;
        Ok(known.filter(|_| !self.plan.is_late()).unwrap_or(latest))
    }

    /// Sends one request to the thread. Returns whether it was a retry of the first message, which
    /// is then promised.
    async fn follow_up(&self, function: &Function, follow_up: FollowUp) -> Result<bool> {
        match follow_up {
            FollowUp::Resume => {
                let answer = fetch(resume_request(function, &self.who, "t1")?).await?;
                if answer.status != 204 {
                    ensure!(
                        answer.status == 200,
                        "a resume is answered with {}",
                        answer.status
                    );
                    ensure_legal_end(&answer.transcript().await?)?;
                }
                Ok(false)
            }
            FollowUp::Again => {
                self.send(function, "m1", &self.plan.question).await?;
                Ok(true)
            }
            FollowUp::Other => self
                .send(function, "m2", &self.question("m2"))
                .await
                .map(|_| false),
            FollowUp::All(_) => unreachable!("the follow-ups have been split"),
        }
    }

    /// Posts a body, again if the table cannot be reached in time on an overloaded machine.
    async fn post(&self, function: &Function, body: &str) -> Result<Response> {
        poll_until_ok("an answer but 503", async || {
            let answer = fetch(post_request(function, &self.who, body.to_owned())?).await?;
            ensure!(answer.status != 503, "{}", answer.json().await?);
            Ok(answer)
        })
        .await
    }

    async fn send(&self, function: &Function, message: &str, text: &str) -> Result<Transcript> {
        let body = conversation_body("t1", &[user_message(message, text)]).to_string();
        let answer = self.post(function, &body).await?;
        let status = answer.status;
        if status != 200 {
            bail!(
                "{message} is answered with {status}: {}",
                answer.json().await?
            );
        }
        let transcript = answer.transcript().await?;
        ensure_legal_end(&transcript).with_context(|| message.to_owned())?;
        Ok(transcript)
    }

    /// Sends the next message and, if planned, others at the same time in other threads: as many as
    /// are allowed.
    async fn send_next(&self, world: &World, function: &Function) -> Result<()> {
        let gate = Gate::default();
        let mut waiting = Vec::new();
        for place in 0..if self.plan.uses_all_slots {
            MAX_PARALLEL_TURNS
        } else {
            1
        } {
            let (thread, text) = match place {
                0 => ("t1".to_owned(), self.question("m3")),
                _ => (
                    format!("other{place}"),
                    self.question(&format!("other{place}")),
                ),
            };
            world.gateway.next_containing(
                &text,
                [vec![Step::Wait(gate.clone())], responses::good()].concat(),
            );
            let body = conversation_body(&thread, &[user_message("m3", &text)]).to_string();
            let answer = self.post(function, &body).await?;
            let status = answer.status;
            if status != 200 {
                bail!(
                    "the next message in {thread} is answered with {status}: {}",
                    answer.json().await?
                );
            }
            waiting.push(answer);
        }
        gate.open();
        for answer in waiting {
            let transcript = answer.transcript().await?;
            let is_complete = transcript.done && transcript.text() == responses::full_text();
            ensure!(is_complete, "the next message: {transcript:?}");
        }
        Ok(())
    }

    fn first(&self, world: &World, min_text: String, is_acknowledged: bool) -> SentMessage {
        let is_acknowledged = is_acknowledged || self.client.begun.load(Ordering::SeqCst);
        let mut first = acknowledged_message("m1", &self.plan.question, world);
        first.possible_texts.push(self.plan.pieces.concat());
        SentMessage {
            min_text,
            is_acknowledged,
            is_loss_reported: self.client.read().contains("could not be saved"),
            ..first
        }
    }

    fn question(&self, message: &str) -> String {
        format!("And {message} of {}?", self.plan.user)
    }
}

/// Waits until a lease has expired.
async fn wait_past(lease: u64) {
    let left = lease.saturating_sub(epoch_ms(SystemTime::now()));
    sleep(Duration::from_millis(left + 5)).await;
}

/// Returns the warnings and errors that a process has logged.
fn problem_lines(lines: &[String]) -> String {
    let bad = lines
        .iter()
        .filter(|line| line.contains("WARN") || line.contains("ERROR"));
    bad.map(|line| format!("\n{line}")).collect()
}

/// Returns a promised message that gets the usual answer.
fn acknowledged_message(message: &str, text: &str, world: &World) -> SentMessage {
    let calls = world.gateway.calls();
    SentMessage {
        message: message.to_owned(),
        text: text.to_owned(),
        is_acknowledged: true,
        is_loss_reported: false,
        min_text: String::new(),
        possible_texts: vec![responses::full_text()],
        calls: calls
            .iter()
            .filter(|call| call.body.to_string().contains(text))
            .count(),
    }
}

fn ensure_legal_end(transcript: &Transcript) -> Result<()> {
    let ended = ["finish", "error", "abort"]
        .iter()
        .any(|end| transcript.first(end).is_some());
    ensure!(transcript.done && ended, "no legal end: {transcript:?}");
    Ok(())
}
