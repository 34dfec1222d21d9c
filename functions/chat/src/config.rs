//! The function's configuration, read once. No other module reads the environment.

use std::str::FromStr;
use std::time::Duration;

use front::{Secret, SettingError, Settings, Variables};
use gateway::Protocol;
use registry::{ModelConfig, Registry};
use url::Url;
use validation::Limits;

/// The settings of this function. README has the table.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) front: Settings,
    pub(crate) api_key: Secret,
    pub(crate) gateway_protocol: Protocol,
    pub(crate) gateway_url: Url,
    pub(crate) system_prompt: Option<String>,
    pub(crate) max_output_tokens: Option<u32>,
    /// Set when the sources that an answer cites are sent to the page.
    pub(crate) send_sources: bool,
    /// The model that generates the title of a new thread. `None`: the thread keeps the beginning
    /// of its first question.
    pub(crate) title_model: Option<ModelConfig>,
    pub(crate) first_part_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) limits: Limits,
    pub(crate) journal_interval: Duration,
    pub(crate) on_busy: OnBusy,
    pub(crate) max_turn: Duration,
}

/// The treatment of a running turn when another message arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnBusy {
    /// The running turn is stopped and the new one begins.
    Supersede,
    /// The running turn continues and the new one is refused.
    Reject,
}

impl FromStr for OnBusy {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "supersede" => Ok(Self::Supersede),
            "reject" => Ok(Self::Reject),
            _ => Err(()),
        }
    }
}

impl Config {
    /// Reads the configuration from `variables`.
    pub(crate) fn read(variables: Variables<'_>) -> Result<Self, SettingError> {
        let gateway_protocol: Protocol = variables
            .parse("AI_GATEWAY_PROTOCOL", "native or openai")?
            .unwrap_or_default();
        let front = Settings::read(variables)?;
        Ok(Self {
            title_model: title_model(variables, &front.registry)?,
            front,
            api_key: variables.secret("AI_GATEWAY_API_KEY", "AI_GATEWAY_API_KEY_SSM")?,
            gateway_protocol,
            gateway_url: match variables.url("AI_GATEWAY_BASE_URL")? {
                Some(url) => url,
                None => Url::parse(gateway_protocol.default_base_url()).expect("a URL of our own"),
            },
            system_prompt: variables.text("SYSTEM_PROMPT"),
            max_output_tokens: variables.parse("MAX_OUTPUT_TOKENS", "a whole number of tokens")?,
            send_sources: variables
                .parse("SEND_SOURCES", "true or false")?
                .unwrap_or(false),
            first_part_timeout: variables.milliseconds("FIRST_PART_TIMEOUT_MS", 120_000)?,
            idle_timeout: variables.milliseconds("IDLE_TIMEOUT_MS", 60_000)?,
            limits: limits(variables)?,
            journal_interval: variables.milliseconds("JOURNAL_INTERVAL_MS", 1_000)?,
            on_busy: variables
                .parse("ON_BUSY", "supersede or reject")?
                .unwrap_or(OnBusy::Supersede),
            max_turn: variables.milliseconds("MAX_TURN_MS", 900_000)?,
        })
    }
}

fn title_model(
    variables: Variables<'_>,
    registry: &Registry,
) -> Result<Option<ModelConfig>, SettingError> {
    let unknown = SettingError::Invalid {
        name: "TITLE_MODEL",
        allowed: "the id of one of the models",
    };
    let Some(id) = variables.text("TITLE_MODEL") else {
        return Ok(None);
    };
    registry
        .model_config(id.trim())
        .cloned()
        .map(Some)
        .ok_or(unknown)
}

fn limits(variables: Variables<'_>) -> Result<Limits, SettingError> {
    let mut limits = Limits::default();
    if let Some(bytes) = variables.parse("MAX_BODY_BYTES", "a whole number of bytes")? {
        limits.max_body_bytes = bytes;
    }
    if let Some(messages) = variables.parse("MAX_MESSAGES", "a whole number of messages")? {
        limits.max_messages = messages;
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read(more: &[(&str, &str)]) -> Result<Config, SettingError> {
        let mut variables = HashMap::from([
            ("TABLE_NAME", "chat"),
            ("AI_GATEWAY_API_KEY", "key-of-the-gateway"),
            ("BETTER_AUTH_SECRET", "secret-of-better-auth-of-32-chars"),
        ]);
        variables.extend(more.iter().copied());
        Config::read(Variables::new(&|name| {
            variables.get(name).map(|value| (*value).to_owned())
        }))
    }

    #[test]
    fn three_variables_are_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(
            config.gateway_url.as_str(),
            "https://ai-gateway.vercel.sh/v4/ai"
        );
        assert_eq!(config.on_busy, OnBusy::Supersede);
        assert!(!config.send_sources, "as the AI SDK has it");
        assert_eq!(config.title_model, None);
    }

    #[test]
    fn each_protocol_has_its_own_address() {
        let of = |more: &[(&str, &str)]| {
            read(more).map(|config| (config.gateway_protocol, config.gateway_url.to_string()))
        };
        let native = (
            Protocol::Native,
            "https://ai-gateway.vercel.sh/v4/ai".to_owned(),
        );
        let openai = ("AI_GATEWAY_PROTOCOL", "openai");
        assert_eq!(of(&[("AI_GATEWAY_PROTOCOL", "")]).unwrap(), native);
        assert_eq!(of(&[("AI_GATEWAY_PROTOCOL", "native")]).unwrap(), native);
        assert_eq!(
            of(&[openai]).unwrap(),
            (
                Protocol::OpenAi,
                "https://ai-gateway.vercel.sh/v1".to_owned()
            )
        );
        let own = ("AI_GATEWAY_BASE_URL", "http://127.0.0.1:11434/v1");
        assert_eq!(
            of(&[openai, own]).unwrap(),
            (Protocol::OpenAi, own.1.to_owned())
        );
    }

    #[test]
    fn the_model_of_titles_is_one_of_the_models() {
        let id = "openai/gpt-4o-mini";
        let found = read(&[("TITLE_MODEL", id)]).unwrap().title_model;
        assert_eq!(found.map(|model| model.id).as_deref(), Some(id));
    }

    #[test]
    fn an_error_names_the_variable() {
        for (name, value, text) in [
            ("TABLE_NAME", "", "TABLE_NAME must be set"),
            ("AI_GATEWAY_API_KEY", "", "AI_GATEWAY_API_KEY must be set"),
            (
                "AI_GATEWAY_API_KEY",
                "key\n",
                "AI_GATEWAY_API_KEY must be without leading or trailing white space",
            ),
            (
                "AI_GATEWAY_BASE_URL",
                "ftp://x",
                "AI_GATEWAY_BASE_URL must be an http or https URL",
            ),
            (
                "AI_GATEWAY_PROTOCOL",
                "OpenAI",
                "AI_GATEWAY_PROTOCOL must be native or openai",
            ),
            (
                "IDLE_TIMEOUT_MS",
                "1s",
                "IDLE_TIMEOUT_MS must be a whole number of milliseconds",
            ),
            ("ON_BUSY", "wait", "ON_BUSY must be supersede or reject"),
            ("SEND_SOURCES", "1", "SEND_SOURCES must be true or false"),
            (
                "TITLE_MODEL",
                "acme/none",
                "TITLE_MODEL must be the id of one of the models",
            ),
        ] {
            assert_eq!(
                read(&[(name, value)]).unwrap_err().to_string(),
                text,
                "{name}={value}"
            );
        }
    }

    #[test]
    fn no_secret_is_ever_printed() {
        let printed = format!("{:?}", read(&[]).unwrap());
        assert!(
            !printed.contains("key-of") && !printed.contains("secret-of"),
            "{printed}"
        );
    }
}
