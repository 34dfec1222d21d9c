//! The options of `cargo xtask dev`.

use anyhow::{Context, Result, bail};

/// The options given on the command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// Rebuild and restart the function when a source file changes.
    pub(crate) watch: bool,
    /// Leave the Lambda emulator out.
    pub(crate) plain: bool,
    /// Begin with an empty table.
    pub(crate) fresh: bool,
    /// Tell what a program needs to know as one line of JSON.
    pub(crate) json: bool,
    /// Leave the page out.
    pub(crate) no_page: bool,
    /// The only port that will do.
    pub(crate) port: Option<u16>,
}

impl Options {
    /// Reads the words after `dev`.
    ///
    /// # Errors
    /// An unknown option, or options that exclude each other.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--watch" => options.watch = true,
                "--plain" => options.plain = true,
                "--fresh" => options.fresh = true,
                "--json" => options.json = true,
                "--no-page" => options.no_page = true,
                "--port" => options.port = Some(port(rest.next())?),
                unknown => bail!("dev has no option `{unknown}`; `cargo xtask` lists them"),
            }
        }
        if options.watch && options.plain {
            bail!("--watch needs the Lambda emulator, which --plain leaves out");
        }
        Ok(options)
    }
}

fn port(value: Option<&String>) -> Result<u16> {
    let value = value.context("--port needs a number")?;
    value
        .parse()
        .with_context(|| format!("--port {value} is not a port number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn options_are_read() {
        let read = parse("--json --fresh --no-page --port 3100").unwrap();
        let expected = Options {
            json: true,
            fresh: true,
            no_page: true,
            port: Some(3100),
            ..Options::default()
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for line in [
            "--jason",
            "--port",
            "--port http",
            "--port 70000",
            "--watch --plain",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
