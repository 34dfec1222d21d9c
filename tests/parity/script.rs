//! The gateway's script of a scenario: the steps of a data file, as steps of one simulated gateway.
//!
//! | step | effect |
//! |---|---|
//! | an object with `type`, `choices` or `error` | sends it as one event |
//! | `{"raw": "…"}`, `{"bytes": "<base64>"}` | sends this unchanged |
//! | `{"repeat": {"times": n, "event": {…}, "swell": m}}` | sends the event n times, with m letters for its `<swell>` |
//! | `{"seen": n}` | waits until the page has received n events |
//! | `"done"` | sends `[DONE]` |
//! | `"end"`, `"cut"`, `"reset"`, `"hold"` | ends the body, the connection with FIN, with RST, or not at all; without: `"end"` |

use acceptance::gateway::{Gate, Step};
use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::scenario::{Answer, Scenario};

/// The maximum number of calls for a request, including retries.
const MAX_CALLS: usize = 3;

/// The gateway's answers for one run on one side.
#[derive(Debug)]
pub(crate) struct Script {
    /// The steps of the answer to each possible call.
    pub(crate) answers: Vec<Vec<Step>>,
    /// The gates, each with the number of events that the page must have received before it opens.
    pub(crate) gates: Vec<(usize, Gate)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Instruction {
    Raw(String),
    Bytes(String),
    Repeat(Repeat),
    Seen(usize),
    Done,
    End,
    Cut,
    Reset,
    Hold,
}

#[derive(Deserialize)]
struct Repeat {
    times: usize,
    event: Box<RawValue>,
    #[serde(default)]
    swell: usize,
}

impl Script {
    /// Builds the script of a scenario.
    pub(crate) fn new(scenario: &Scenario) -> Result<Self> {
        let mut script = Self {
            answers: Vec::new(),
            gates: Vec::new(),
        };
        for answer in &scenario.answers {
            let steps = script
                .steps(answer)
                .with_context(|| scenario.name.clone())?;
            script.answers.push(steps);
        }
        if let Some(last) = script.answers.last().cloned() {
            script
                .answers
                .resize(MAX_CALLS.max(script.answers.len()), last);
        }
        Ok(script)
    }

    fn steps(&mut self, answer: &Answer) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        if answer.status > 0 {
            steps.push(Step::Raw(head(answer)));
        }
        if let Some(body) = &answer.body {
            steps.push(Step::Raw(body.clone().into()));
            return Ok(steps);
        }
        for step in &answer.steps {
            self.step(step, &mut steps)?;
        }
        if !matches!(
            steps.last(),
            Some(Step::End | Step::Cut | Step::Reset | Step::Hold)
        ) {
            steps.push(Step::End);
        }
        Ok(match answer.pieces {
            Some(length) => cut_into_pieces(&steps, length),
            None => steps,
        })
    }

    fn step(&mut self, step: &RawValue, steps: &mut Vec<Step>) -> Result<()> {
        let Ok(instruction) = serde_json::from_str(step.get()) else {
            let is_event = ["\"type\"", "\"choices\"", "\"error\""]
                .iter()
                .any(|key| step.get().contains(key));
            ensure!(is_event, "neither an instruction nor an event: {step}");
            steps.push(Step::Send(frame(step.get())));
            return Ok(());
        };
        match instruction {
            Instruction::Raw(text) => steps.push(Step::Send(text.into())),
            Instruction::Bytes(text) => steps.push(Step::Send(STANDARD.decode(text)?.into())),
            Instruction::Repeat(Repeat {
                times,
                event,
                swell,
            }) => {
                let event = event
                    .get()
                    .replace("<swell>", &"0123456789".repeat(swell / 10));
                steps.extend(std::iter::repeat_n(Step::Send(frame(&event)), times));
            }
            Instruction::Seen(count) => {
                let gate = Gate::default();
                self.gates.push((count, gate.clone()));
                steps.push(Step::Wait(gate));
            }
            Instruction::Done => steps.push(Step::Send(frame("[DONE]"))),
            Instruction::End => steps.push(Step::End),
            Instruction::Cut => steps.push(Step::Cut),
            Instruction::Reset => steps.push(Step::Reset),
            Instruction::Hold => steps.push(Step::Hold),
        }
        Ok(())
    }
}

fn head(answer: &Answer) -> Bytes {
    let mut head = format!("HTTP/1.1 {} Said\r\n", answer.status);
    for (name, value) in &answer.headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &match &answer.body {
        Some(body) => format!("content-length: {}\r\n\r\n", body.len()),
        None => "transfer-encoding: chunked\r\n\r\n".to_owned(),
    };
    head.into()
}

fn frame(data: &str) -> Bytes {
    format!("data: {data}\n\n").into()
}

/// Cuts the bytes between two other steps into pieces of this length.
fn cut_into_pieces(steps: &[Step], length: usize) -> Vec<Step> {
    let mut cut = Vec::new();
    let mut bytes = Vec::new();
    for step in steps {
        if let Step::Send(more) = step {
            bytes.extend_from_slice(more);
            continue;
        }
        let joined = Bytes::from(std::mem::take(&mut bytes));
        cut.extend(
            joined
                .chunks(length)
                .map(|piece| Step::Send(Bytes::copy_from_slice(piece))),
        );
        cut.push(step.clone());
    }
    cut
}
