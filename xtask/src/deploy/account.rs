//! The AWS account to deploy to, as far as this machine knows it. It is looked for before the build, which takes minutes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::settings::Settings;
use crate::command;

/// Asks the library that SAM itself uses, so that both find the same. It calls nothing but, on EC2, the instance's own
/// address.
const LOOK_UP: &str = "\
import json, os, botocore.session
session = botocore.session.get_session()
region = os.environ.get('AWS_REGION') or session.get_config_variable('region')
print(json.dumps({'region': region, 'signed_in': session.get_credentials() is not None}))";

#[derive(Deserialize)]
struct Account {
    region: Option<String>,
    signed_in: bool,
}

/// Returns the region to deploy to.
///
/// # Errors
/// There are no credentials, or no region is named.
pub(crate) fn region(tools: &Path, settings: &Settings) -> Result<String> {
    let found = command::output(Command::new(tools.join("python")).args(["-c", LOOK_UP]))
        .context("the AWS configuration of this machine cannot be read")?;
    let account: Account =
        serde_json::from_str(&found).context("the AWS configuration is not understood")?;
    if !account.signed_in {
        bail!(
            "there are no AWS credentials: run `aws configure` or `aws login`, or set AWS_PROFILE or AWS_ACCESS_KEY_ID \
             and AWS_SECRET_ACCESS_KEY"
        );
    }
    let region = settings.region.clone().or(account.region);
    region.context(
        "no AWS region is named: set AWS_REGION, or `region` in samconfig.toml or in your AWS profile",
    )
}
