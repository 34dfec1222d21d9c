//! The scripted face, which records its calls, and for each whether the caller stayed to the end.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::sync::watch;

use super::call::Call;
use super::server::Server;
use super::step::Step;
use crate::wait::within;

#[derive(Debug, Default)]
struct Plan {
    next: VecDeque<Vec<Step>>,
    by_text: Vec<(String, Vec<Step>)>,
    by_model: HashMap<String, VecDeque<Vec<Step>>>,
    always: Vec<Step>,
}

impl Plan {
    fn answer(&mut self, call: &Call) -> Vec<Step> {
        let body = String::from_utf8_lossy(&call.raw_body);
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

impl Shared {
    /// Records a call and returns its answer.
    fn answer(&self, call: Call) -> Vec<Step> {
        let mut steps = self.plan().answer(&call);
        if let Some(Step::Choose(choose)) = steps.first() {
            steps = choose(&call.body);
        }
        self.calls.send_modify(|calls| calls.push(call));
        steps
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A scripted gateway on a loopback port. It stops when dropped.
#[derive(Debug)]
pub struct Gateway {
    server: Server,
    shared: Arc<Shared>,
}

impl Gateway {
    /// Starts a gateway that answers every call without a planned answer with `always`.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start(always: Vec<Step>) -> Result<Self> {
        let plan = Mutex::new(Plan {
            always,
            ..Plan::default()
        });
        let shared = Arc::new(Shared {
            plan,
            calls: watch::Sender::new(Vec::new()),
        });
        let answering = Arc::clone(&shared);
        let server = Server::start(move |call| answering.answer(call)).await?;
        Ok(Self { server, shared })
    }

    /// Returns the value for `AI_GATEWAY_BASE_URL`.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// Plans `steps` as the answer to the next call without a planned answer.
    pub fn next(&self, steps: Vec<Step>) {
        self.shared.plan().next.push_back(steps);
    }

    /// Plans `steps` as the answer to the next call of this model without a planned answer,
    /// regardless of other calls in the meantime.
    pub fn next_for(&self, model: &str, steps: Vec<Step>) {
        self.shared
            .plan()
            .by_model
            .entry(model.to_owned())
            .or_default()
            .push_back(steps);
    }

    /// Plans `steps` as the answer to the next call whose body contains `words`, regardless of
    /// other calls in the meantime.
    pub fn next_containing(&self, words: &str, steps: Vec<Step>) {
        self.shared.plan().by_text.push((words.to_owned(), steps));
    }

    /// Removes all planned responses, except those by model, and returns their number.
    pub fn clear_planned(&self) -> usize {
        let mut plan = self.shared.plan();
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
    ///
    /// # Errors
    /// It does not come in time.
    pub async fn call(&self, number: usize) -> Result<Call> {
        let mut calls = self.shared.calls.subscribe();
        let calls = within(
            "a gateway call",
            calls.wait_for(|calls| calls.len() > number),
        )
        .await??;
        Ok(calls[number].clone())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::{BodyExt, Full};
    use hyper::body::Incoming;

    use super::*;
    use crate::gate::Gate;
    use crate::gateway::{Ended, responses};
    use crate::loopback;

    async fn send(gateway: &Gateway, body: &str) -> Result<Response<Incoming>> {
        let url = gateway.base_url();
        let (authority, _) = url.trim_start_matches("http://").split_once('/').unwrap();
        let body = Full::new(Bytes::from(body.to_owned()));
        let request = Request::post("/v4/ai").body(body)?;
        loopback::send(authority, request).await
    }

    async fn call(gateway: &Gateway, body: &str) -> Result<Bytes> {
        let answer = send(gateway, body).await?;
        Ok(answer.into_body().collect().await?.to_bytes())
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
            assert_eq!(
                call(&gateway, r#"{"a":1}"#).await.is_ok(),
                is_complete,
                "{name}"
            );
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
            assert_eq!(call(&gateway, &body).await.unwrap(), text, "{model}");
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
            let answer = send(&gateway, "").await.unwrap();
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
