//! A gateway that does what its script says, good or bad, and remembers who called and whether they stayed to the end.
//! Knows HTTP, not the parts that it sends: those are in `answers`.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

pub use crate::gate::Gate;
use crate::lone;
use crate::wait::within;
use crate::wire::{Connection, Head, LAST_CHUNK, chunk};

/// One thing the gateway does in an answer.
#[derive(Debug, Clone)]
pub enum Step {
    /// Writes these bytes as they are, in one write.
    Raw(Bytes),
    /// Writes one chunk of the body.
    Send(Bytes),
    /// Ends the body properly.
    End,
    /// Waits for the test, or for the caller to leave.
    Wait(Gate),
    /// Waits for so long, or for the caller to leave.
    Pause(Duration),
    /// Goes on with what this makes of the body of the call. Stands first.
    Choose(fn(&Value) -> Vec<Step>),
    /// Says nothing more until the caller leaves.
    Hold,
    /// Sends this chunk again and again until the caller leaves.
    Forever(Bytes, Duration),
    /// Closes the connection with FIN.
    Cut,
    /// Closes the connection with RST.
    Reset,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The script was carried out to its end.
    Answered,
    /// The caller closed the connection before that.
    Left,
}

/// A call that came in.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its head.
    pub head: Head,
    /// Its body, half surrogate pairs as `lone` reads them; `null` when it was not JSON.
    pub body: Value,
    ended: watch::Receiver<Option<Ended>>,
    sent: Arc<Mutex<Vec<SentChunk>>>,
}

/// A chunk of a body, as it left.
#[derive(Debug, Clone)]
pub struct SentChunk {
    /// When.
    pub at: Instant,
    /// What.
    pub bytes: Bytes,
}

impl Call {
    /// The model that is called, in either protocol.
    pub fn model(&self) -> Option<&str> {
        self.head
            .header("ai-language-model-id")
            .or_else(|| self.body["model"].as_str())
    }

    /// Waits for the end of the call.
    pub async fn ended(&self) -> Result<Ended> {
        let mut ended = self.ended.clone();
        let end = within("the end of a gateway call", ended.wait_for(Option::is_some)).await??;
        end.context("a call ended in no way")
    }

    /// What `Step::Send` has sent so far.
    pub fn sent(&self) -> Vec<SentChunk> {
        self.sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[derive(Debug, Default)]
struct Plan {
    next: VecDeque<Vec<Step>>,
    about: Vec<(String, Vec<Step>)>,
    by_model: HashMap<String, VecDeque<Vec<Step>>>,
    always: Vec<Step>,
}

impl Plan {
    fn answer(&mut self, call: &Call, body: &[u8]) -> Vec<Step> {
        let words = String::from_utf8_lossy(body);
        if let Some(place) = self
            .about
            .iter()
            .position(|(about, _)| words.contains(about))
        {
            return self.about.remove(place).1;
        }
        let for_model = call
            .model()
            .and_then(|model| self.by_model.get_mut(model)?.pop_front());
        for_model
            .or_else(|| self.next.pop_front())
            .unwrap_or_else(|| self.always.clone())
    }
}

#[derive(Debug)]
struct Shared {
    plan: Mutex<Plan>,
    calls: watch::Sender<Vec<Call>>,
}

/// A gateway on a loopback port. It stops when dropped.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Gateway {
    /// Starts a gateway that answers everything with `always` unless told otherwise.
    pub async fn start(always: Vec<Step>) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let plan = Mutex::new(Plan {
            always,
            ..Plan::default()
        });
        let shared = Arc::new(Shared {
            plan,
            calls: watch::Sender::new(Vec::new()),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            server,
        })
    }

    /// The value for `AI_GATEWAY_BASE_URL`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v4/ai", self.address)
    }

    /// Answers the next call that has no answer yet with `steps`.
    pub fn next(&self, steps: Vec<Step>) {
        self.plan().next.push_back(steps);
    }

    /// Answers the next call of this model that has no answer yet with `steps`, whoever else calls meanwhile.
    pub fn next_for(&self, model: &str, steps: Vec<Step>) {
        self.plan()
            .by_model
            .entry(model.to_owned())
            .or_default()
            .push_back(steps);
    }

    /// Answers the next call whose body holds `words` with `steps`, whoever else calls meanwhile.
    pub fn next_containing(&self, words: &str, steps: Vec<Step>) {
        self.plan().about.push((words.to_owned(), steps));
    }

    /// Forgets all answers that were planned, and says how many there were.
    pub fn clear_planned(&self) -> usize {
        let mut plan = self.plan();
        plan.next.drain(..).count() + plan.about.drain(..).count()
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// Every call of one model so far.
    pub fn calls_of(&self, model: &str) -> Vec<Call> {
        self.shared
            .calls
            .borrow()
            .iter()
            .filter(|call| call.model() == Some(model))
            .cloned()
            .collect()
    }

    /// Waits for the call with this number, counted from 0.
    pub async fn call(&self, number: usize) -> Result<Call> {
        let mut calls = self.shared.calls.subscribe();
        let calls = within(
            "a gateway call",
            calls.wait_for(|calls| calls.len() > number),
        )
        .await??;
        Ok(calls[number].clone())
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.shared
            .plan
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            if let Ok(connection) = Connection::new(stream) {
                // A caller that leaves ends the connection with an error: `Call::ended` tells the test.
                drop(converse(connection, &shared).await);
            }
        });
    }
}

async fn converse(mut connection: Connection, shared: &Shared) -> Result<()> {
    while let Some(head) = connection.read_head().await? {
        let body = connection.read_body(&head).await?;
        let (ended, receiver) = watch::channel(None);
        let sent = Arc::default();
        let call = Call {
            head,
            body: lone::parse(&body).unwrap_or(Value::Null),
            ended: receiver,
            sent: Arc::clone(&sent),
        };
        let mut steps = shared
            .plan
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .answer(&call, &body);
        if let Some(Step::Choose(choose)) = steps.first() {
            steps = choose(&call.body);
        }
        shared.calls.send_modify(|calls| calls.push(call));
        let played = play(connection, steps, &sent).await;
        ended.send_replace(Some(if played.is_ok() {
            Ended::Answered
        } else {
            Ended::Left
        }));
        match played? {
            Some(open) => connection = open,
            None => return Ok(()),
        }
    }
    Ok(())
}

/// Returns the connection if it is still open.
async fn play(
    mut connection: Connection,
    steps: Vec<Step>,
    sent: &Mutex<Vec<SentChunk>>,
) -> Result<Option<Connection>> {
    for step in steps {
        match step {
            Step::Raw(bytes) => connection.write(&bytes).await?,
            Step::Send(bytes) => {
                connection.write(&chunk(&bytes)).await?;
                let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent.push(SentChunk {
                    at: Instant::now(),
                    bytes,
                });
            }
            Step::End => connection.write(LAST_CHUNK).await?,
            Step::Wait(gate) => {
                tokio::select! {
                    () = gate.pass() => {}
                    () = connection.closed() => anyhow::bail!("the caller left"),
                }
            }
            Step::Pause(pause) => tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = connection.closed() => anyhow::bail!("the caller left"),
            },
            Step::Choose(_) => anyhow::bail!("a choice stands first in an answer"),
            Step::Hold => {
                connection.closed().await;
                anyhow::bail!("the caller left");
            }
            Step::Forever(bytes, pause) => loop {
                connection.write(&chunk(&bytes)).await?;
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = connection.closed() => anyhow::bail!("the caller left"),
                }
            },
            Step::Cut => return connection.close().await.map(|()| None),
            Step::Reset => return connection.reset().map(|()| None),
        }
    }
    Ok(Some(connection))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answers, http_client};
    use http::Request;

    async fn call(gateway: &Gateway) -> Result<Bytes> {
        let request = Request::post(gateway.base_url()).body(Bytes::from_static(b"{\"a\":1}"))?;
        http_client::fetch(request).await?.bytes().await
    }

    #[tokio::test]
    async fn each_end_looks_to_the_caller_as_it_is_called() {
        for (name, steps, whole) in [
            ("end", answers::good(), true),
            ("one packet", answers::good_in_one_packet(), true),
            (
                "cut",
                answers::stream(&answers::opening_parts(), Step::Cut),
                false,
            ),
            (
                "reset",
                answers::stream(&answers::opening_parts(), Step::Reset),
                false,
            ),
            ("nothing at all", vec![Step::Cut], false),
        ] {
            let gateway = Gateway::start(steps).await.unwrap();
            assert_eq!(call(&gateway).await.is_ok(), whole, "{name}");
            let call = gateway.call(0).await.unwrap();
            assert_eq!(call.body["a"], 1, "{name}");
            assert_eq!(call.ended().await.unwrap(), Ended::Answered, "{name}");
        }
    }

    #[tokio::test]
    async fn a_model_gets_its_own_answers_in_order_and_the_others_the_usual_one() {
        let gateway = Gateway::start(answers::refusal(500, "text/plain", &[], "usual"))
            .await
            .unwrap();
        for said in ["one", "two"] {
            gateway.next_for("a/b", answers::refusal(200, "text/plain", &[], said));
        }
        for (model, said) in [
            ("c/d", "usual"),
            ("a/b", "one"),
            ("a/b", "two"),
            ("a/b", "usual"),
        ] {
            let body = format!("{{\"model\":\"{model}\"}}");
            let request = Request::post(gateway.base_url()).body(body.into()).unwrap();
            assert_eq!(
                http_client::fetch(request)
                    .await
                    .unwrap()
                    .bytes()
                    .await
                    .unwrap(),
                said,
                "{model}"
            );
        }
        assert_eq!(gateway.calls_of("a/b").len(), 3);
    }

    #[tokio::test]
    async fn a_caller_that_leaves_is_noticed_while_the_gateway_waits() {
        let gate = Gate::default();
        for (name, step) in [
            ("wait", Step::Wait(gate.clone())),
            ("hold", Step::Hold),
            (
                "forever",
                Step::Forever(Bytes::from_static(b": x\n\n"), Duration::from_millis(1)),
            ),
        ] {
            let gateway = Gateway::start(answers::stream(&answers::opening_parts(), step))
                .await
                .unwrap();
            let request = Request::post(gateway.base_url())
                .body(Bytes::new())
                .unwrap();
            let answer = http_client::fetch(request).await.unwrap();
            drop(answer);
            assert_eq!(
                gateway.call(0).await.unwrap().ended().await.unwrap(),
                Ended::Left,
                "{name}"
            );
        }
        gate.wait_until_reached().await.unwrap();
    }
}
