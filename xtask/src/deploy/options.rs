//! The options of `cargo xtask deploy`.

use anyhow::{Context, Result, bail};

/// The words after `deploy`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The environment in samconfig.toml.
    pub(crate) environment: String,
    /// Parameters of the template as `Name=value`. They win over those in samconfig.toml.
    pub(crate) overrides: Vec<String>,
}

impl Options {
    /// Reads the words after `deploy`.
    ///
    /// # Errors
    /// An unknown option, or a word that is no `Name=value`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self {
            environment: "default".to_owned(),
            overrides: Vec::new(),
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--config-env" => {
                    options.environment = rest.next().context("--config-env needs a name")?.clone();
                }
                option if option.starts_with('-') => {
                    bail!("deploy has no option `{option}`; `cargo xtask` lists them")
                }
                parameter => options.overrides.push(quoted(parameter)?),
            }
        }
        Ok(options)
    }
}

/// Quotes the value of `parameter` as SAM wants it, which splits at white space otherwise.
fn quoted(parameter: &str) -> Result<String> {
    let parsed = parameter
        .split_once('=')
        .filter(|(name, _)| is_parameter_name(name));
    let (name, value) = parsed
        .with_context(|| format!("`{parameter}` is no Name=value of a template parameter"))?;
    let is_plain = !value.is_empty()
        && !value.contains(|c: char| c.is_whitespace() || matches!(c, '"' | '\\'));
    if is_plain {
        return Ok(parameter.to_owned());
    }
    Ok(format!(
        "{name}=\"{}\"",
        value.replace('\\', "\\\\").replace('"', "\\\"")
    ))
}

fn is_parameter_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Options> {
        Options::parse(
            &arguments
                .iter()
                .map(|argument| (*argument).to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn options_and_parameters_are_read() {
        assert_eq!(
            parse(&[]).unwrap(),
            Options {
                environment: "default".to_owned(),
                overrides: vec![]
            }
        );
        let read = parse(&[
            "--config-env",
            "production",
            "LogLevel=WARN",
            "SystemPrompt=Be \"brief\".",
            "Models=",
        ]);
        let overrides = [
            "LogLevel=WARN",
            r#"SystemPrompt="Be \"brief\".""#,
            r#"Models="""#,
        ];
        let expected = Options {
            environment: "production".to_owned(),
            overrides: overrides.map(str::to_owned).into(),
        };
        assert_eq!(read.unwrap(), expected);
    }

    #[test]
    fn words_that_are_no_option_and_no_parameter_are_refused() {
        for arguments in [
            &["--guided"][..],
            &["--config-env"],
            &["LogLevel"],
            &["=x"],
            &["Log Level=INFO"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }
}
