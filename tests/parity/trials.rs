//! The trials: one per scenario and per alteration, and those of the data files.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::broken::{self, Alteration};
use crate::compare::differences;
use crate::deliberate::{self, DifferenceList};
use crate::docs::{self, Observation};
use crate::scenario::{self, Row, Scenario};
use crate::stage::{Run, Stage};

/// The minimum numbers of scenarios: an incomplete data file must not pass unnoticed.
const MIN_ANSWERS: usize = 450;
const MIN_PROMPTS: usize = 400;

/// All trials.
#[derive(Clone)]
pub(crate) struct Trials(Arc<Shared>);

struct Shared {
    scenarios: Vec<Scenario>,
    rows: Vec<Row>,
    alterations: Vec<Alteration>,
    list: DifferenceList,
    runtime: Runtime,
    stage: OnceCell<Stage>,
    /// The observations of the scenarios; `None` for one that could not be compared.
    observed: Mutex<BTreeMap<String, Option<Observation>>>,
    changed: Condvar,
}

impl Trials {
    /// Reads the data files.
    pub(crate) fn read() -> Result<Self> {
        Ok(Self(Arc::new(Shared {
            scenarios: scenario::all()?,
            rows: scenario::rows()?,
            alterations: broken::read_all()?,
            list: DifferenceList::read()?,
            runtime: Runtime::new()?,
            stage: OnceCell::new(),
            observed: Mutex::default(),
            changed: Condvar::new(),
        })))
    }

    /// Returns the trials: the slow ones first; the one of the documentation last, and only if no
    /// trial is filtered out.
    pub(crate) fn list_trials(&self, arguments: &Arguments) -> Vec<Trial> {
        let mut trials = vec![
            self.trial(
                "every row of the protocol is tried",
                "",
                Shared::rows_are_covered,
            ),
            self.trial("the list of differences is strict", "", |_| {
                deliberate::ensure_strict()
            }),
            self.trial("the list of differences is in order", "", |shared| {
                shared.list.ensure_valid(&shared.scenarios)
            }),
        ];
        let (slow, fast): (Vec<_>, Vec<_>) =
            (0..self.0.scenarios.len()).partition(|index| self.0.scenarios[*index].is_slow());
        trials.extend(
            slow.into_iter()
                .chain(fast)
                .map(|index| self.scenario(index)),
        );
        trials.extend((0..self.0.alterations.len()).map(|index| {
            let name = format!("broken/{}", self.0.alterations[index].way);
            self.trial(&name, "noticed", move |shared| {
                shared.check_alteration(index)
            })
        }));
        if arguments.filter.is_none() && arguments.skip.is_empty() {
            trials.push(self.trial("docs/compatibility.md is current", "", Shared::check_docs));
        }
        trials
    }

    /// Ends all processes that were started.
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
        let run = Run {
            scenario,
            number: index,
            tamper: None,
        };
        let outcomes = self
            .runtime
            .block_on(async { self.stage().await?.compare(run).await });
        let compared = outcomes.map(|(theirs, ours)| {
            let found = differences(&theirs, &ours);
            (Observation::new(&theirs, &ours, &found), found)
        });
        let observed = compared.as_ref().ok().map(|(observed, _)| observed.clone());
        self.observed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(scenario.name.clone(), observed);
        self.changed.notify_all();
        self.list.ensure_expected(&scenario.name, &compared?.1)
    }

    /// Runs our side with and without an alteration, which must make a difference.
    fn check_alteration(&self, index: usize) -> Result<()> {
        let alteration = &self.alterations[index];
        let scenario = self
            .scenarios
            .iter()
            .find(|scenario| scenario.name == alteration.scenario);
        let scenario = scenario.with_context(|| format!("there is no {}", alteration.scenario))?;
        let number = self.scenarios.len() + 2 * index;
        let outcomes = self.runtime.block_on(async {
            let stage = self.stage().await?;
            let unaltered = stage
                .run_ours(Run {
                    scenario,
                    number,
                    tamper: None,
                })
                .await?;
            Ok::<_, anyhow::Error>((
                unaltered,
                stage
                    .run_ours(Run {
                        scenario,
                        number: number + 1,
                        tamper: alteration.tamper(),
                    })
                    .await?,
            ))
        });
        let (unaltered, altered) = outcomes?;
        alteration.ensure_noticed(&unaltered, &altered)
    }

    fn rows_are_covered(&self) -> Result<()> {
        let is_prompt = |scenario: &&Scenario| {
            ["prompts", "files", "openai-prompts"].contains(&scenario.group())
        };
        let prompts = self.scenarios.iter().filter(is_prompt).count();
        let answers = self.scenarios.len() - prompts;
        ensure!(
            answers >= MIN_ANSWERS && prompts >= MIN_PROMPTS,
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
        let observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        let all = self.scenarios.len();
        let observed = self
            .changed
            .wait_while(observed, |observed| observed.len() < all)
            .unwrap_or_else(PoisonError::into_inner);
        let complete: Option<BTreeMap<_, _>> = observed
            .iter()
            .map(|(name, observed)| Some((name.clone(), observed.clone()?)))
            .collect();
        docs::check(
            &self.scenarios,
            &complete.context("not all could be compared")?,
            &self.list,
            &self.rows,
        )
    }

    async fn stage(&self) -> Result<&Stage> {
        let runs = self.scenarios.len() + 2 * self.alterations.len();
        self.stage
            .get_or_try_init(|| Stage::new(runs))
            .await
            .map_err(|error| anyhow!("{error:#}"))
    }
}
