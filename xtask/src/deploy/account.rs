//! The AWS account to deploy to, as far as this machine knows it. It is looked for before the
//! build, which takes minutes.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::settings::Settings;
use crate::command;

/// Asks the library that SAM itself uses, so that both find the same. It calls nothing but, on EC2,
/// the instance's own address.
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

/// Asks SSM for the names that it does not hold. The values stay where they are: nothing is
/// decrypted.
const FIND_MISSING: &str = "\
import json, sys, botocore.config, botocore.session
limits = botocore.config.Config(connect_timeout=5, read_timeout=5, retries={'total_max_attempts': 2})
ssm = botocore.session.get_session().create_client('ssm', region_name=sys.argv[1], config=limits)
print(json.dumps(ssm.get_parameters(Names=sys.argv[2:])['InvalidParameters']))";

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

/// Checks that SSM holds the secrets, without which a deployment succeeds and no function starts.
///
/// # Errors
/// One is missing. An account that does not let us look is no error: then a note says so.
pub(crate) fn check_secrets(tools: &Path, settings: &Settings, region: &str) -> Result<()> {
    let names = settings.secret_names();
    let mut look_up = Command::new(tools.join("python"));
    look_up.args(["-c", FIND_MISSING, region]).args(&names);
    let missing: Vec<String> = match command::output(&mut look_up) {
        Ok(found) => serde_json::from_str(&found).context("SSM's answer is not understood")?,
        Err(error) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().trim();
            eprintln!("  !!  the secrets were not looked up in SSM: {reason}");
            return Ok(());
        }
    };
    if !missing.is_empty() {
        let names = missing.join(" and ");
        bail!(
            "SSM in {region} does not hold {names}: README's Deploy, step 1, says how to store it"
        );
    }
    Ok(())
}
