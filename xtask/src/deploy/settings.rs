//! The settings of a deployment: an environment of samconfig.toml, and the parameters given on the
//! command line.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::{Table, Value};

use super::options::Options;
use crate::workspace;

const FILE: &str = "samconfig.toml";

/// The settings of one deployment.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The name of the environment in samconfig.toml.
    pub(crate) environment: String,
    pub(crate) stack_name: String,
    /// The region that samconfig.toml names, if it names one.
    pub(crate) region: Option<String>,
    /// `Name=value`, of samconfig.toml first: SAM takes the last of two.
    overrides: Vec<String>,
}

/// The parameters of one command, of all its forms that SAM reads.
#[derive(Debug, Default, Deserialize)]
struct Parameters {
    stack_name: Option<String>,
    region: Option<String>,
    parameter_overrides: Option<Overrides>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Overrides {
    List(Vec<String>),
    Line(String),
}

impl Settings {
    /// Reads samconfig.toml for `options`.
    ///
    /// # Errors
    /// There is no such file or environment in it, or the environment names no stack.
    pub(crate) fn read(options: &Options) -> Result<Self> {
        let file = workspace::root().join(FILE);
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        Self::parse(&text, options)
    }

    fn parse(text: &str, options: &Options) -> Result<Self> {
        let config: Table = text.parse().with_context(|| format!("{FILE} is no TOML"))?;
        let name = &options.environment;
        let Some(Value::Table(environment)) = config.get(name) else {
            let known: Vec<_> = config
                .iter()
                .filter(|(_, value)| value.is_table())
                .map(|(name, _)| name.as_str())
                .collect();
            bail!(
                "{FILE} has no environment `{name}`, only {}",
                known.join(", ")
            );
        };
        let global = parameters(environment, "global")?;
        let deploy = parameters(environment, "deploy")?;
        let overrides = match deploy.parameter_overrides.or(global.parameter_overrides) {
            Some(Overrides::List(list)) => list,
            Some(Overrides::Line(line)) => vec![line],
            None => Vec::new(),
        };
        Ok(Self {
            environment: name.clone(),
            stack_name: deploy.stack_name.or(global.stack_name).with_context(|| {
                format!("{FILE} names no stack: [{name}.global.parameters] needs stack_name")
            })?,
            region: deploy.region.or(global.region),
            overrides: overrides
                .into_iter()
                .chain(options.overrides.iter().cloned())
                .collect(),
        })
    }

    /// Returns the option with which SAM gets the parameters, for build and deploy alike.
    pub(crate) fn override_arguments(&self) -> impl Iterator<Item = &str> {
        let option = (!self.overrides.is_empty()).then_some("--parameter-overrides");
        option
            .into_iter()
            .chain(self.overrides.iter().map(String::as_str))
    }

    /// Returns true if the functions are built for `x86_64` instead of arm64.
    pub(crate) fn is_x86_64(&self) -> bool {
        self.value_of("Architecture") == Some("x86_64")
    }

    /// Returns a line for each parameter that most deployments need and this one lacks.
    pub(crate) fn warnings(&self) -> Vec<String> {
        const NEEDED: [(&str, &str); 1] = [(
            "BetterAuthUrl",
            "session cookies of a web application with https will not be found, and no page will be let in by one",
        )];
        let missing = NEEDED
            .iter()
            .filter(|(name, _)| self.value_of(name).is_none());
        missing
            .map(|(name, effect)| format!("{name} is not set: {effect} (see {FILE})"))
            .collect()
    }

    /// Returns the names of the SSM parameters with the secrets: those set here, or else
    /// template.yaml's defaults.
    pub(crate) fn secret_names(&self) -> [String; 2] {
        const DEFAULTS: [(&str, &str); 2] = [
            ("BetterAuthSecretSsm", "/sidekiq/better-auth-secret"),
            ("AiGatewayApiKeySsm", "/sidekiq/ai-gateway-api-key"),
        ];
        DEFAULTS.map(|(name, default)| self.value_of(name).unwrap_or(default).to_owned())
    }

    /// Returns the last value of a parameter that is not empty.
    fn value_of(&self, name: &str) -> Option<&str> {
        let words = self
            .overrides
            .iter()
            .flat_map(|line| line.split_whitespace());
        let mut values = words.filter_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        values
            .next_back()
            .map(|value| value.trim_matches('"'))
            .filter(|value| !value.is_empty())
    }
}

fn parameters(environment: &Table, command: &str) -> Result<Parameters> {
    let Some(parameters) = environment
        .get(command)
        .and_then(|command| command.get("parameters"))
    else {
        return Ok(Parameters::default());
    };
    let read = parameters.clone().try_into();
    read.with_context(|| format!("{FILE}: the parameters of `{command}` cannot be used"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = r#"
        version = 0.1
        [default.global.parameters]
        stack_name = "chat"
        [default.deploy.parameters]
        parameter_overrides = ["BetterAuthUrl=https://a.example", "Architecture=x86_64"]
        [line.global.parameters]
        stack_name = "chat-line"
        region = "eu-central-1"
        [line.deploy.parameters]
        parameter_overrides = "BetterAuthUrl=\"https://b.example\" LogLevel=WARN"
        [empty.global.parameters]
        stack_name = "chat-empty"
        [nameless.deploy.parameters]
        resolve_s3 = true
    "#;

    fn settings(environment: &str, overrides: &[&str]) -> Result<Settings> {
        let overrides = overrides.iter().map(|text| (*text).to_owned()).collect();
        Settings::parse(
            CONFIG,
            &Options {
                environment: environment.to_owned(),
                overrides,
            },
        )
    }

    #[test]
    fn parameters_of_the_command_line_come_last_and_drop_none_of_the_file() {
        let settings = settings("default", &["LogLevel=WARN", "Architecture=arm64"]).unwrap();
        assert_eq!(
            settings.override_arguments().collect::<Vec<_>>(),
            [
                "--parameter-overrides",
                "BetterAuthUrl=https://a.example",
                "Architecture=x86_64",
                "LogLevel=WARN",
                "Architecture=arm64"
            ]
        );
        assert!(!settings.is_x86_64() && settings.warnings().is_empty());
        assert_eq!(
            (settings.stack_name.as_str(), settings.region),
            ("chat", None)
        );
    }

    #[test]
    fn both_forms_of_parameters_are_read() {
        let settings = settings("line", &[]).unwrap();
        assert!(settings.warnings().is_empty(), "{:?}", settings.warnings());
        assert_eq!(settings.region.as_deref(), Some("eu-central-1"));
    }

    #[test]
    fn a_deployment_that_no_session_can_reach_is_warned_about() {
        for overrides in [&[][..], &["BetterAuthUrl=\"\""]] {
            let warnings = settings("empty", overrides).unwrap().warnings();
            assert!(
                warnings[0].starts_with("BetterAuthUrl is not set: "),
                "{overrides:?}: {warnings:?}"
            );
        }
        assert_eq!(
            settings("empty", &[]).unwrap().override_arguments().count(),
            0
        );
    }

    #[test]
    fn secrets_have_the_names_of_the_template_unless_others_are_set() {
        let template = std::fs::read_to_string(workspace::template()).unwrap();
        let defaults = settings("empty", &[]).unwrap().secret_names();
        for name in &defaults {
            assert!(template.contains(&format!("Default: {name}\n")), "{name}");
        }
        let set = settings("empty", &["AiGatewayApiKeySsm=/other/key"]).unwrap();
        assert_eq!(
            set.secret_names(),
            [defaults[0].clone(), "/other/key".to_owned()]
        );
    }

    #[test]
    fn an_environment_that_cannot_be_used_is_named() {
        let unknown = settings("staging", &[]).unwrap_err().to_string();
        assert!(
            unknown.contains("no environment `staging`, only default, empty, line, nameless"),
            "{unknown}"
        );
        assert!(
            settings("nameless", &[])
                .unwrap_err()
                .to_string()
                .contains("[nameless.global.parameters]")
        );
    }
}
