//! The environment of the tests. A test that needs a variable which is not set does nothing and
//! says so; the summary names what was left out and why.
//!
//! | variable | what it is | needed by |
//! |---|---|---|
//! | `SIDEKIQ_XTASK` | the built xtask | the test of `cargo xtask dev` |
//! | `SIDEKIQ_CARGO_LAMBDA` | cargo-lambda | tests under `cargo lambda watch` |
//! | `SIDEKIQ_RIE` | AWS's Runtime Interface Emulator | tests under it |
//! | `SIDEKIQ_NODE` | a current Node; the AI SDK lies in `tests/client/node_modules` | tests with the real client |
//! | `SIDEKIQ_PAGE` | the folder of the built page | tests of the page |
//! | `SIDEKIQ_CHROMIUM` | a browser; Playwright lies in `tests/browser/node_modules` | tests of the page |
//! | `SIDEKIQ_OPENAI_SERVER` | aimock's script; `SIDEKIQ_NODE` runs it | tests on an OpenAI-compatible server |
//! | `SIDEKIQ_BETTER_AUTH` | the web app in `tests/better-auth`; `SIDEKIQ_NODE` runs it | tests with sessions of the real better-auth |
//! | `SIDEKIQ_SCHEMATHESIS` | schemathesis | tests of the functions against `docs/openapi` |
//! | `DYNAMODB_LOCAL_ENDPOINT` | a running DynamoDB Local | the store's cross-check |

use std::ffi::OsString;

use anyhow::Result;

use super::summary::Summary;
use crate::tools::{self, DynamoDbLocal};
use crate::{progress, workspace};

/// The variables of one run, and what has to run with them.
pub(crate) struct TestEnvironment {
    variables: Vec<(&'static str, OsString)>,
    _dynamodb_local: Option<DynamoDbLocal>,
}

impl TestEnvironment {
    /// Fetches and starts what this machine can; the rest goes into the summary as left out.
    pub(crate) fn prepare(summary: &mut Summary) -> Self {
        let debug = workspace::target().join("debug");
        let mut variables = vec![("SIDEKIQ_XTASK", debug.join("xtask").into())];
        let mut offer = |variable, tests: &str, value: Result<OsString>| match value {
            Ok(value) => variables.push((variable, value)),
            Err(error) => summary.leave_out(tests, &format!("{error:#}")),
        };
        offer(
            "SIDEKIQ_CARGO_LAMBDA",
            "tests under cargo lambda watch",
            tools::cargo_lambda().map(OsString::from),
        );
        offer(
            "SIDEKIQ_RIE",
            "tests under AWS's emulator",
            tools::runtime_interface_emulator().map(OsString::from),
        );
        offer(
            "SIDEKIQ_NODE",
            "tests with the AI SDK client",
            node_with_client(),
        );
        offer(
            "SIDEKIQ_OPENAI_SERVER",
            "tests on an OpenAI-compatible server",
            tools::openai_server().map(OsString::from),
        );
        offer(
            "SIDEKIQ_BETTER_AUTH",
            "tests with the real better-auth",
            tools::better_auth().map(OsString::from),
        );
        offer(
            "SIDEKIQ_SCHEMATHESIS",
            "tests against the OpenAPI documents",
            tools::schemathesis().map(OsString::from),
        );
        offer(
            "SIDEKIQ_PAGE",
            "the built page",
            tools::page().map(OsString::from),
        );
        offer(
            "SIDEKIQ_CHROMIUM",
            "tests in a browser",
            browser_with_driver(),
        );
        let local = start_dynamodb_local();
        let endpoint = local.as_ref().map(|local| local.endpoint().into());
        offer(
            "DYNAMODB_LOCAL_ENDPOINT",
            "store tests on DynamoDB Local",
            endpoint.map_err(|error| anyhow::anyhow!("{error:#}")),
        );
        Self {
            variables,
            _dynamodb_local: local.ok(),
        }
    }

    /// Returns the variables to set.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, &OsString)> {
        self.variables.iter().map(|(name, value)| (*name, value))
    }
}

fn node_with_client() -> Result<OsString> {
    tools::client_packages()?;
    Ok(tools::node()?.into())
}

fn browser_with_driver() -> Result<OsString> {
    tools::browser_packages()?;
    Ok(tools::chromium()?.into())
}

fn start_dynamodb_local() -> Result<DynamoDbLocal> {
    let java = tools::java()?;
    progress::step("starting DynamoDB Local", || DynamoDbLocal::start(&java))
}
