//! A scripted model gateway that records its calls, and for each whether the caller stayed to the
//! end. Knows HTTP, not the parts that it sends: those are in `responses`.

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
use crate::surrogates;
use crate::wait::within;
use crate::wire::{Connection, Head, LAST_CHUNK, chunk};

/// A step of a scripted answer.
#[derive(Debug, Clone)]
pub enum Step {
    /// A single write of these bytes, unchanged.
    Raw(Bytes),
    /// One chunk of the body.
    Send(Bytes),
    /// The proper end of the body.
    End,
    /// A wait for the gate, or for the caller to disconnect.
    Wait(Gate),
    /// A wait of this duration, or for the caller to disconnect.
    Pause(Duration),
    /// A choice of the steps by the body of the call. Must be the first step.
    Choose(fn(&Value) -> Vec<Step>),
    /// A silent wait for the caller to disconnect.
    Hold,
    /// A chunk that is sent repeatedly, with this pause, until the caller disconnects.
    Forever(Bytes, Duration),
    /// The end of the connection, with FIN.
    Cut,
    /// The end of the connection, with RST.
    Reset,
}

/// The end of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The end of the script.
    Answered,
    /// A caller that closed the connection before the end of the script.
    Left,
}

/// A call that the gateway received.
#[derive(Debug, Clone)]
pub struct Call {
    /// The request head.
    pub head: Head,
    /// The request body, with half surrogate pairs as `surrogates` reads them; `null` if it was not JSON.
    pub body: Value,
    ended: watch::Receiver<Option<Ended>>,
    sent: Arc<Mutex<Vec<SentChunk>>>,
}

/// A chunk of a body that was sent.
#[derive(Debug, Clone)]
pub struct SentChunk {
    /// The time of the write.
    pub at: Instant,
    /// The content.
    pub bytes: Bytes,
}

impl Call {
    /// Returns the requested model, in either protocol.
    pub fn model(&self) -> Option<&str> {
        self.head
            .header("ai-language-model-id")
            .or_else(|| self.body["model"].as_str())
    }

    /// Waits for the end of the call.
    pub async fn ended(&self) -> Result<Ended> {
        let mut ended = self.ended.clone();
        let end = within("the end of a gateway call", ended.wait_for(Option::is_some)).await??;
        end.context("a call ended without an outcome")
    }

    /// Returns the chunks that `Step::Send` has sent so far.
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
    by_text: Vec<(String, Vec<Step>)>,
    by_model: HashMap<String, VecDeque<Vec<Step>>>,
    always: Vec<Step>,
}

impl Plan {
    fn answer(&mut self, call: &Call, body: &[u8]) -> Vec<Step> {
        let body = String::from_utf8_lossy(body);
        if let Some(index) = self
            .by_text
            .iter()
            .position(|(text, _)| body.contains(text))
        {
            return self.by_text.remove(index).1;
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
    /// Starts a gateway that answers every call without a planned answer with `always`.
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

    /// Returns the value for `AI_GATEWAY_BASE_URL`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v4/ai", self.address)
    }

    /// Plans `steps` as the answer to the next call without a planned answer.
    pub fn next(&self, steps: Vec<Step>) {
        self.plan().next.push_back(steps);
    }

    /// Plans `steps` as the answer to the next call of this model without a planned answer,
    /// regardless of other calls in the meantime.
    pub fn next_for(&self, model: &str, steps: Vec<Step>) {
        self.plan()
            .by_model
            .entry(model.to_owned())
            .or_default()
            .push_back(steps);
    }

    /// Plans `steps` as the answer to the next call whose body contains `words`, regardless of
    /// other calls in the meantime.
    pub fn next_containing(&self, words: &str, steps: Vec<Step>) {
        self.plan().by_text.push((words.to_owned(), steps));
    }

    /// Removes all planned answers, except those by model, and returns their number.
    pub fn clear_planned(&self) -> usize {
        let mut plan = self.plan();
        plan.next.drain(..).count() + plan.by_text.drain(..).count()
    }

    /// Returns every call so far.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.borrow().clone()
    }

    /// Returns every call of one model so far.
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
                // A caller that disconnects ends the connection with an error: `Call::ended`
                // reports it to the test.
                drop(serve_connection(connection, &shared).await);
            }
        });
    }
}

async fn serve_connection(mut connection: Connection, shared: &Shared) -> Result<()> {
    while let Some(head) = connection.read_head().await? {
        let body = connection.read_body(&head).await?;
        let (ended, receiver) = watch::channel(None);
        let sent = Arc::default();
        let call = Call {
            head,
            body: surrogates::parse(&body).unwrap_or(Value::Null),
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

/// Plays an answer; returns the connection if it is still open.
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
            Step::Choose(_) => anyhow::bail!("a choice must be the first step of an answer"),
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
    use crate::gateway::responses;
    use crate::http_client;
    use http::Request;

    async fn call(gateway: &Gateway) -> Result<Bytes> {
        let request = Request::post(gateway.base_url()).body(Bytes::from_static(b"{\"a\":1}"))?;
        http_client::fetch(request).await?.bytes().await
    }

    #[tokio::test]
    async fn each_end_is_visible_to_the_caller() {
        for (name, steps, is_complete) in [
            ("end", responses::good(), true),
            ("one packet", responses::good_in_one_packet(), true),
            (
                "cut",
                responses::stream(&responses::opening_parts(), Step::Cut),
                false,
            ),
            (
                "reset",
                responses::stream(&responses::opening_parts(), Step::Reset),
                false,
            ),
            ("nothing at all", vec![Step::Cut], false),
        ] {
            let gateway = Gateway::start(steps).await.unwrap();
            assert_eq!(call(&gateway).await.is_ok(), is_complete, "{name}");
            let call = gateway.call(0).await.unwrap();
            assert_eq!(call.body["a"], 1, "{name}");
            assert_eq!(call.ended().await.unwrap(), Ended::Answered, "{name}");
        }
    }

    #[tokio::test]
    async fn a_model_gets_its_own_answers_in_order_and_other_models_the_default() {
        let gateway = Gateway::start(responses::refusal(500, "text/plain", &[], "usual"))
            .await
            .unwrap();
        for text in ["one", "two"] {
            gateway.next_for("a/b", responses::refusal(200, "text/plain", &[], text));
        }
        for (model, text) in [
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
                text,
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
            let gateway = Gateway::start(responses::stream(&responses::opening_parts(), step))
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
