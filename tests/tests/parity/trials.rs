//! The list of what is tried, each with its verdict.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::broken::{self, Broken};
use crate::compare::differences;
use crate::deliberate::{self, Deliberate};
use crate::docs::{self, Seen};
use crate::scenario::{self, Row, Scenario};
use crate::stage::{Go, Stage};

/// A data file that is not found must not pass for one that is fine.
const FEWEST_ANSWERS: usize = 450;
const FEWEST_PROMPTS: usize = 400;

/// Everything that can be tried.
#[derive(Clone)]
pub(crate) struct Trials(Arc<Shared>);

struct Shared {
    scenarios: Vec<Scenario>,
    rows: Vec<Row>,
    ways: Vec<Broken>,
    list: Deliberate,
    runtime: Runtime,
    stage: OnceCell<Stage>,
    /// What the scenarios showed; nothing for one that could not be compared.
    seen: Mutex<BTreeMap<String, Option<Seen>>>,
    changed: Condvar,
}

impl Trials {
    /// Reads the data files.
    pub(crate) fn read() -> Result<Self> {
        Ok(Self(Arc::new(Shared {
            scenarios: scenario::all()?,
            rows: scenario::rows()?,
            ways: broken::ways()?,
            list: Deliberate::read()?,
            runtime: Runtime::new()?,
            stage: OnceCell::new(),
            seen: Mutex::default(),
            changed: Condvar::new(),
        })))
    }

    /// One trial each. The slow ones first; the page last, and only if nothing is left out.
    pub(crate) fn for_run(&self, arguments: &Arguments) -> Vec<Trial> {
        let mut trials = vec![
            self.trial(
                "every row of the protocol is tried",
                "",
                Shared::rows_are_covered,
            ),
            self.trial("the list of differences is strict", "", |_| {
                deliberate::is_strict()
            }),
            self.trial("the list of differences is in order", "", |shared| {
                shared.list.is_in_order(&shared.scenarios)
            }),
        ];
        let (slow, fast): (Vec<_>, Vec<_>) =
            (0..self.0.scenarios.len()).partition(|index| self.0.scenarios[*index].is_slow());
        trials.extend(
            slow.into_iter()
                .chain(fast)
                .map(|index| self.scenario(index)),
        );
        trials.extend((0..self.0.ways.len()).map(|index| {
            let name = format!("broken/{}", self.0.ways[index].way);
            self.trial(&name, "noticed", move |shared| shared.notice(index))
        }));
        if arguments.filter.is_none() && arguments.skip.is_empty() {
            trials.push(self.trial("docs/compatibility.md is current", "", Shared::check_docs));
        }
        trials
    }

    /// Ends everything that was started.
    pub(crate) fn stop(self) -> Result<()> {
        let shared = Arc::into_inner(self.0).context("a trial is still running")?;
        match shared.stage.into_inner() {
            Some(stage) => shared.runtime.block_on(stage.stop()),
            None => Ok(()),
        }
    }

    fn scenario(&self, index: usize) -> Trial {
        let name = &self.0.scenarios[index].name;
        let kind = if self.0.list.aspects(name).is_empty() {
            "same"
        } else {
            "on purpose"
        };
        self.trial(name, kind, move |shared| shared.compare(index))
    }

    fn trial(
        &self,
        name: &str,
        kind: &str,
        run: impl FnOnce(&Shared) -> Result<()> + Send + 'static,
    ) -> Trial {
        let shared = Arc::clone(&self.0);
        let run = move || run(&shared).map_err(|error| Failed::from(format!("{error:#}")));
        Trial::test(name, run).with_kind(kind)
    }
}

impl Shared {
    fn compare(&self, index: usize) -> Result<()> {
        let scenario = &self.scenarios[index];
        let go = Go {
            scenario,
            number: index,
            tamper: None,
        };
        let outcomes = self
            .runtime
            .block_on(async { self.stage().await?.compare(go).await });
        let compared = outcomes.map(|(theirs, ours)| {
            let found = differences(&theirs, &ours);
            (Seen::new(&theirs, &ours, &found), found)
        });
        let seen = compared.as_ref().ok().map(|(seen, _)| seen.clone());
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(scenario.name.clone(), seen);
        self.changed.notify_all();
        self.list.judge(&scenario.name, &compared?.1)
    }

    /// Our answer as it is and broken, which must not look the same.
    fn notice(&self, index: usize) -> Result<()> {
        let way = &self.ways[index];
        let scenario = self
            .scenarios
            .iter()
            .find(|scenario| scenario.name == way.scenario);
        let scenario = scenario.with_context(|| format!("there is no {}", way.scenario))?;
        let number = self.scenarios.len() + 2 * index;
        let outcomes = self.runtime.block_on(async {
            let stage = self.stage().await?;
            let whole = stage
                .ours(Go {
                    scenario,
                    number,
                    tamper: None,
                })
                .await?;
            Ok::<_, anyhow::Error>((
                whole,
                stage
                    .ours(Go {
                        scenario,
                        number: number + 1,
                        tamper: way.tamper(),
                    })
                    .await?,
            ))
        });
        let (whole, broken) = outcomes?;
        way.judge(&whole, &broken)
    }

    fn rows_are_covered(&self) -> Result<()> {
        let is_prompt = |scenario: &&Scenario| {
            ["prompts", "files", "openai-prompts"].contains(&scenario.group())
        };
        let prompts = self.scenarios.iter().filter(is_prompt).count();
        let answers = self.scenarios.len() - prompts;
        ensure!(
            answers >= FEWEST_ANSWERS && prompts >= FEWEST_PROMPTS,
            "{answers} answers, {prompts} prompts"
        );
        for row in &self.rows {
            ensure!(row.scenarios.len() >= row.needs, "too few for {}", row.row);
            for name in &row.scenarios {
                ensure!(
                    self.scenarios.iter().any(|scenario| scenario.name == *name),
                    "there is no {name}"
                );
            }
        }
        Ok(())
    }

    fn check_docs(&self) -> Result<()> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.scenarios.len();
        let seen = self
            .changed
            .wait_while(seen, |seen| seen.len() < all)
            .unwrap_or_else(PoisonError::into_inner);
        let whole: Option<BTreeMap<_, _>> = seen
            .iter()
            .map(|(name, seen)| Some((name.clone(), seen.clone()?)))
            .collect();
        docs::check(
            &self.scenarios,
            &whole.context("not all could be compared")?,
            &self.list,
            &self.rows,
        )
    }

    async fn stage(&self) -> Result<&Stage> {
        let goes = self.scenarios.len() + 2 * self.ways.len();
        self.stage
            .get_or_try_init(|| Stage::new(goes))
            .await
            .map_err(|error| anyhow!("{error:#}"))
    }
}
