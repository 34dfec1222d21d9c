//! The comparison's two sides, function and original: the same requests, by the same client, in
//! front of gateways with the same answers.

use std::collections::BTreeMap;
use std::fmt;

use acceptance::aws::{Function, RuntimeApi};
use acceptance::gateway::{Gate, Gateway, responses};
use acceptance::process::node::Node;
use acceptance::session::SignedIn;
use acceptance::world::{API_KEY, World};
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell, watch};

use crate::node::{self, Driver, Progress, outcome};
use crate::outcome::Outcome;
use crate::scenario::{SYSTEM_PROMPT, Scenario, Setup};
use crate::script::Script;

/// The number of requests that the function handles concurrently as a Lambda Managed Instance.
const WORKERS: usize = 4;

/// A side of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Original,
    Ours,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if *self == Self::Original {
            "original"
        } else {
            "ours"
        })
    }
}

/// One run of a scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    /// The scenario.
    pub(crate) scenario: &'a Scenario,
    /// The unique number of the run, which names its model and its thread.
    pub(crate) number: usize,
    /// The alteration of our side's answer, if any.
    pub(crate) tamper: Option<&'a str>,
}

/// All running processes.
pub(crate) struct Stage {
    world: World,
    original_gateway: Gateway,
    driver: Driver,
    original: Mutex<Node>,
    who: SignedIn,
    models: String,
    pairs: BTreeMap<Setup, OnceCell<Pair>>,
}

/// Both sides in one set-up.
#[derive(Debug)]
struct Pair {
    function: Function,
    original: String,
}

/// A command for the client.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Command<'a> {
    id: &'a str,
    url: String,
    headers: Value,
    thread_id: String,
    model: &'a str,
    messages: Vec<Box<RawValue>>,
    regenerate: bool,
    message_id: Option<&'a str>,
    report: bool,
    tamper: Option<&'a str>,
}

impl Stage {
    /// Starts the processes that all set-ups share, with a model for each of `runs` runs.
    pub(crate) async fn new(runs: usize) -> Result<Self> {
        let world = World::new().await?;
        let model = |number| json!({"id": model(number), "name": "", "provider": "", "pricing_tier": "$", "speed_tier": "fast"});
        let who = world.sign_in("alice").await?;
        Ok(Self {
            original_gateway: Gateway::start(responses::good()).await?,
            driver: Driver::start()?,
            original: Mutex::new(node::start("original.mjs")?),
            who,
            models: (0..runs).map(model).collect::<Value>().to_string(),
            pairs: Setup::ALL
                .into_iter()
                .map(|setup| (setup, OnceCell::new()))
                .collect(),
            world,
        })
    }

    /// Runs a scenario on both sides.
    pub(crate) async fn compare(&self, run: Run<'_>) -> Result<(Outcome, Outcome)> {
        let pair = self.pair(run.scenario.setup).await?;
        if run.scenario.endless {
            return self.run_endless(pair, run).await;
        }
        let theirs = self.run(pair, run, Side::Original);
        let ours = self.run(pair, run, Side::Ours);
        tokio::try_join!(theirs, ours)
    }

    /// Runs a scenario on our side only.
    pub(crate) async fn run_ours(&self, run: Run<'_>) -> Result<Outcome> {
        self.run(self.pair(run.scenario.setup).await?, run, Side::Ours)
            .await
    }

    /// Ends the functions and checks their logs.
    pub(crate) async fn stop(self) -> Result<()> {
        for pair in self.pairs.into_values().filter_map(OnceCell::into_inner) {
            pair.function.stop().await?;
        }
        Ok(())
    }

    async fn run_endless(&self, pair: &Pair, run: Run<'_>) -> Result<(Outcome, Outcome)> {
        let leave = async {
            let ours = self.run(pair, run, Side::Ours).await?;
            self.driver.leave(&id(run, Side::Original))?;
            Ok(ours)
        };
        tokio::try_join!(self.run(pair, run, Side::Original), leave)
    }

    async fn run(&self, pair: &Pair, run: Run<'_>, side: Side) -> Result<Outcome> {
        let model = model(run.number);
        let script = Script::new(run.scenario)?;
        for answer in script.answers {
            self.gateway(side).next_for(&model, answer);
        }
        let id = id(run, side);
        let command = self.command(pair, run, side, &id, &model, !script.gates.is_empty());
        let progress = self.driver.send(&id, &serde_json::to_string(&command)?)?;
        let opener = tokio::spawn(open_gates(progress.clone(), script.gates));
        let report = outcome(progress).await.with_context(|| format!("{side}"));
        opener.abort();
        Ok(Outcome::new(
            &*report?,
            &self.gateway(side).calls_of(&model),
            run.scenario,
        ))
    }

    fn command<'a>(
        &self,
        pair: &Pair,
        run: Run<'a>,
        side: Side,
        id: &'a str,
        model: &'a str,
        report: bool,
    ) -> Command<'a> {
        let request = &run.scenario.request;
        let base = if side == Side::Ours {
            &pair.function.url
        } else {
            &pair.original
        };
        Command {
            id,
            url: format!("{base}/api/chat"),
            headers: json!({"authorization": self.who.bearer()}),
            thread_id: format!("t{}", run.number),
            model,
            messages: request.messages(),
            regenerate: request.regenerate,
            message_id: request.message_id.as_deref(),
            report,
            tamper: run.tamper.filter(|_| side == Side::Ours),
        }
    }

    fn gateway(&self, side: Side) -> &Gateway {
        if side == Side::Ours {
            &self.world.gateway
        } else {
            &self.original_gateway
        }
    }

    async fn pair(&self, setup: Setup) -> Result<&Pair> {
        let cell = self
            .pairs
            .get(&setup)
            .context("every set-up has its place")?;
        cell.get_or_try_init(|| self.start(setup)).await
    }

    async fn start(&self, setup: Setup) -> Result<Pair> {
        let ours = setup.base_url(&self.world.gateway.base_url());
        let mut changes = vec![
            ("MODELS", self.models.as_str()),
            ("AI_GATEWAY_BASE_URL", ours.as_str()),
            ("AI_GATEWAY_PROTOCOL", setup.protocol()),
            // As in the original's route: one origin for page and function.
            ("ALLOWED_ORIGINS", ""),
        ];
        changes.extend(setup.system().map(|system| ("SYSTEM_PROMPT", system)));
        if setup == Setup::Impatient {
            changes.extend([
                ("FIRST_PART_TIMEOUT_MS", "2500"),
                ("IDLE_TIMEOUT_MS", "2500"),
            ]);
        }
        if setup == Setup::Sources {
            changes.push(("SEND_SOURCES", "true"));
        }
        let variables = self.world.variables_with(&changes);
        let function = match setup {
            Setup::Lambda => {
                Function::start_under(RuntimeApi::start(WORKERS).await?, &variables).await?
            }
            _ => Function::start_plain(&variables).await?,
        };
        let line = json!({
            "name": format!("{setup:?}"), "protocol": setup.protocol(), "apiKey": API_KEY,
            "baseURL": setup.base_url(&self.original_gateway.base_url()), "system": setup.system(),
            "sendSources": setup == Setup::Sources,
        });
        let answer: Value = self
            .original
            .lock()
            .await
            .ask(&line)
            .await
            .context("the original")?;
        let original = answer["url"]
            .as_str()
            .context("the original has no address")?
            .to_owned();
        Ok(Pair { function, original })
    }
}

impl Setup {
    const ALL: [Self; 8] = [
        Self::Native,
        Self::Lambda,
        Self::Instructed,
        Self::Sources,
        Self::Unreachable,
        Self::Impatient,
        Self::Openai,
        Self::OpenaiInstructed,
    ];

    fn protocol(self) -> &'static str {
        if matches!(self, Self::Openai | Self::OpenaiInstructed) {
            "openai"
        } else {
            "native"
        }
    }

    fn system(self) -> Option<&'static str> {
        matches!(self, Self::Instructed | Self::OpenaiInstructed).then_some(SYSTEM_PROMPT)
    }

    fn base_url(self, gateway: &str) -> String {
        match self {
            // The discard port, on which no process listens.
            Self::Unreachable => "http://127.0.0.1:9/v4/ai".to_owned(),
            Self::Openai | Self::OpenaiInstructed => gateway.replace("/v4/ai", "/v1"),
            Self::Native | Self::Lambda | Self::Instructed | Self::Sources | Self::Impatient => {
                gateway.to_owned()
            }
        }
    }
}

/// Opens each gate once the page has received its number of events.
async fn open_gates(mut progress: watch::Receiver<Progress>, gates: Vec<(usize, Gate)>) {
    for (count, gate) in gates {
        if progress
            .wait_for(|progress| progress.events >= count)
            .await
            .is_err()
        {
            return;
        }
        gate.open();
    }
}

fn model(number: usize) -> String {
    format!("parity/{number}")
}

fn id(run: Run<'_>, side: Side) -> String {
    format!("{}-{side}", run.number)
}
