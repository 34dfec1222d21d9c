//! The scenarios that other crates keep as fixtures. Those crates test them layer by layer; here
//! they run end to end.

use acceptance::tools::workspace;
use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Answer, Request, SYSTEM_PROMPT, Scenario, Setup, raw, read};

/// Reads all of them.
pub(super) fn all() -> Result<Vec<Scenario>> {
    let mut all = parts()?;
    all.extend(prompts()?);
    all.extend(openai_answers()?);
    Ok(all)
}

/// Reads the streams of parts for which `ui-stream` keeps the original's chunks.
fn parts() -> Result<Vec<Scenario>> {
    #[derive(Deserialize)]
    struct Fixture {
        scenarios: Vec<Stream>,
    }
    #[derive(Deserialize)]
    struct Stream {
        name: String,
        parts: Vec<Box<RawValue>>,
        continuing: Option<Vec<Box<RawValue>>>,
    }
    let fixture: Fixture = read(&workspace().join("shared/ui-stream/fixtures/scenarios.json"))?;
    let scenario = |stream: Stream| {
        let continued = stream.continuing.map(|parts| {
            let parts = serde_json::to_string(&parts).expect("JSON stays JSON");
            let answer = raw(&format!(
                r#"{{"id":"m0","role":"assistant","parts":{parts}}}"#
            ));
            let mut messages = Request::default().messages();
            messages.push(answer);
            messages
        });
        Scenario {
            name: format!("parts/{}", stream.name),
            setup: Setup::Native,
            request: Request {
                messages: continued,
                ..Request::default()
            },
            answers: vec![Answer {
                steps: stream.parts,
                ..Answer::default()
            }],
            endless: false,
        }
    };
    Ok(fixture.scenarios.into_iter().map(scenario).collect())
}

/// Reads the conversations for which `gateway` keeps the original's prompts. Skips those with an
/// empty system prompt, which our configuration cannot express.
fn prompts() -> Result<Vec<Scenario>> {
    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        name: String,
        system: Option<String>,
        messages: Vec<Box<RawValue>>,
    }
    let fixture: Fixture = read(&workspace().join("shared/gateway/fixtures/prompts.json"))?;
    let cases = fixture
        .cases
        .into_iter()
        .filter(|case| case.system.as_deref() != Some(""));
    let mut scenarios = Vec::new();
    for case in cases {
        ensure!(
            case.system
                .as_deref()
                .is_none_or(|system| system == SYSTEM_PROMPT),
            "{}",
            case.name
        );
        let (native, openai) = match case.system {
            Some(_) => (Setup::Instructed, Setup::OpenaiInstructed),
            None => (Setup::Native, Setup::Openai),
        };
        // In the OpenAI form the SDK downloads such files itself, from any address.
        let is_loaded = case.messages.iter().any(|message| {
            message
                .get()
                .replace(' ', "")
                .to_ascii_lowercase()
                .contains(r#""url":"http"#)
        });
        let scenario = |group: &str, setup| Scenario {
            name: format!("{group}/{}", case.name),
            setup,
            request: Request {
                messages: Some(case.messages.clone()),
                ..Request::default()
            },
            answers: Vec::new(),
            endless: false,
        };
        scenarios.push(scenario("prompts", native));
        if !is_loaded {
            scenarios.push(Scenario {
                answers: vec![answer_with_steps(OPENAI_ANSWER)],
                ..scenario("openai-prompts", openai)
            });
        }
    }
    Ok(scenarios)
}

const OPENAI_ANSWER: [&str; 3] = [
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"}}]}"#,
    r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
    r#""done""#,
];

fn answer_with_steps(steps: [&str; 3]) -> Answer {
    Answer {
        steps: steps.map(raw).into(),
        ..Answer::default()
    }
}

/// Reads the answers in the OpenAI form for which `gateway` keeps the SDK's parts.
fn openai_answers() -> Result<Vec<Scenario>> {
    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        name: String,
        events: Vec<String>,
    }
    let fixture: Fixture = read(&workspace().join("shared/gateway/fixtures/openai/answers.json"))?;
    let step =
        |event: &String| raw(&serde_json::json!({"raw": format!("data: {event}\n\n")}).to_string());
    let scenario = |case: Case| Scenario {
        name: format!("openai-answers/{}", case.name),
        setup: Setup::Openai,
        request: Request::default(),
        answers: vec![Answer {
            steps: case.events.iter().map(step).collect(),
            ..Answer::default()
        }],
        endless: false,
    };
    Ok(fixture.cases.into_iter().map(scenario).collect())
}
