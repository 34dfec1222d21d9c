//! Function and original side by side: the same requests, by the same client, against gateways that say the same.

use std::collections::BTreeMap;
use std::fmt;

use acceptance::answers;
use acceptance::function::{Function, RuntimeApi};
use acceptance::gateway::{Gate, Gateway};
use acceptance::node::Node;
use acceptance::session::SignedIn;
use acceptance::world::{API_KEY, World};
use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OnceCell, watch};

use crate::node::{self, Driver, Heard, outcome};
use crate::outcome::Outcome;
use crate::scenario::{SYSTEM_PROMPT, Scenario, Setup};
use crate::script::Script;

/// How many requests the function takes at once as a Managed Instance of Lambda.
const WORKERS: usize = 4;

/// Who answers the page.
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

/// One go at a scenario.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Go<'a> {
    /// What is tried.
    pub(crate) scenario: &'a Scenario,
    /// Unique: model and thread are named after it.
    pub(crate) number: usize,
    /// How our side is broken on its way.
    pub(crate) tamper: Option<&'a str>,
}

/// Everything that runs.
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

/// The command for the client.
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
    /// Starts what all set-ups share. So many goes can be told apart.
    pub(crate) async fn new(goes: usize) -> Result<Self> {
        let world = World::new().await?;
        let model = |number| json!({"id": model(number), "name": "", "provider": "", "pricing_tier": "$", "speed_tier": "fast"});
        let who = world.sign_in("alice").await?;
        Ok(Self {
            original_gateway: Gateway::start(answers::good()).await?,
            driver: Driver::start()?,
            original: Mutex::new(node::start("original.mjs")?),
            who,
            models: (0..goes).map(model).collect::<Value>().to_string(),
            pairs: Setup::ALL
                .into_iter()
                .map(|setup| (setup, OnceCell::new()))
                .collect(),
            world,
        })
    }

    /// Lets both sides answer.
    pub(crate) async fn compare(&self, go: Go<'_>) -> Result<(Outcome, Outcome)> {
        let pair = self.pair(go.scenario.setup).await?;
        if go.scenario.endless {
            return self.endless(pair, go).await;
        }
        let theirs = self.run(pair, go, Side::Original);
        let ours = self.run(pair, go, Side::Ours);
        tokio::try_join!(theirs, ours)
    }

    /// What our function does alone.
    pub(crate) async fn ours(&self, go: Go<'_>) -> Result<Outcome> {
        self.run(self.pair(go.scenario.setup).await?, go, Side::Ours)
            .await
    }

    /// Ends the functions, which looks through their logs.
    pub(crate) async fn stop(self) -> Result<()> {
        for pair in self.pairs.into_values().filter_map(OnceCell::into_inner) {
            pair.function.stop().await?;
        }
        Ok(())
    }

    async fn endless(&self, pair: &Pair, go: Go<'_>) -> Result<(Outcome, Outcome)> {
        let leave = async {
            let ours = self.run(pair, go, Side::Ours).await?;
            self.driver.leave(&id(go, Side::Original))?;
            Ok(ours)
        };
        tokio::try_join!(self.run(pair, go, Side::Original), leave)
    }

    async fn run(&self, pair: &Pair, go: Go<'_>, side: Side) -> Result<Outcome> {
        let model = model(go.number);
        let script = Script::new(go.scenario)?;
        for answer in script.answers {
            self.gateway(side).next_for(&model, answer);
        }
        let id = id(go, side);
        let command = self.command(pair, go, side, &id, &model, !script.gates.is_empty());
        let heard = self.driver.send(&id, &serde_json::to_string(&command)?)?;
        let opener = tokio::spawn(open_gates(heard.clone(), script.gates));
        let said = outcome(heard).await.with_context(|| format!("{side}"));
        opener.abort();
        Ok(Outcome::new(
            &*said?,
            &self.gateway(side).calls_of(&model),
            go.scenario,
        ))
    }

    fn command<'a>(
        &self,
        pair: &Pair,
        go: Go<'a>,
        side: Side,
        id: &'a str,
        model: &'a str,
        report: bool,
    ) -> Command<'a> {
        let request = &go.scenario.request;
        let base = if side == Side::Ours {
            &pair.function.url
        } else {
            &pair.original
        };
        Command {
            id,
            url: format!("{base}/api/chat"),
            headers: json!({"authorization": self.who.bearer()}),
            thread_id: format!("t{}", go.number),
            model,
            messages: request.messages(),
            regenerate: request.regenerate,
            message_id: request.message_id.as_deref(),
            report,
            tamper: go.tamper.filter(|_| side == Side::Ours),
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
            // As the route: one origin for page and function.
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
            // The port of discard: nobody listens there.
            Self::Unreachable => "http://127.0.0.1:9/v4/ai".to_owned(),
            Self::Openai | Self::OpenaiInstructed => gateway.replace("/v4/ai", "/v1"),
            Self::Native | Self::Lambda | Self::Instructed | Self::Sources | Self::Impatient => {
                gateway.to_owned()
            }
        }
    }
}

/// Lets the gateway go on once the page has so many events.
async fn open_gates(mut heard: watch::Receiver<Heard>, gates: Vec<(usize, Gate)>) {
    for (count, gate) in gates {
        if heard.wait_for(|heard| heard.seen >= count).await.is_err() {
            return;
        }
        gate.open();
    }
}

fn model(number: usize) -> String {
    format!("parity/{number}")
}

fn id(go: Go<'_>, side: Side) -> String {
    format!("{}-{side}", go.number)
}
