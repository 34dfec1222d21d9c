//! Secrets that are kept in the SSM Parameter Store, fetched once at start.

use aws_sdk_ssm::error::BoxError;
use aws_sdk_ssm::types::Parameter;
use secrecy::SecretString;

use crate::config::{self, Config, Secret};

/// The secrets themselves.
pub(crate) struct Secrets {
    /// For the gateway.
    pub(crate) api_key: SecretString,
    /// What better-auth signs with.
    pub(crate) auth: SecretString,
}

impl Secrets {
    /// Takes the secrets from the configuration; those that are kept elsewhere in one call.
    pub(crate) async fn fetch(config: &mut Config) -> Result<Self, BoxError> {
        let mut wanted = vec![];
        for secret in [&config.api_key, &config.auth_secret] {
            if let Secret::Ssm(name) = secret {
                wanted.push(name.clone());
            }
        }
        let found = if wanted.is_empty() { vec![] } else { parameters(wanted).await? };
        Ok(Self {
            api_key: resolve("AI_GATEWAY_API_KEY_SSM", &mut config.api_key, &found)?,
            auth: resolve("BETTER_AUTH_SECRET_SSM", &mut config.auth_secret, &found)?,
        })
    }
}

async fn parameters(names: Vec<String>) -> Result<Vec<Parameter>, BoxError> {
    let shared = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(store::https_client())
        .load()
        .await;
    let client = aws_sdk_ssm::Client::new(&shared);
    let answer = client.get_parameters().set_names(Some(names)).with_decryption(true).send().await?;
    Ok(answer.parameters.unwrap_or_default())
}

fn resolve(
    variable: &'static str,
    secret: &mut Secret,
    found: &[Parameter],
) -> Result<SecretString, BoxError> {
    match secret {
        Secret::Here(text) => Ok(std::mem::take(text)),
        Secret::Ssm(name) => {
            let is_it =
                |parameter: &&Parameter| parameter.name() == Some(name) || parameter.arn() == Some(name);
            let value = found.iter().find(is_it).and_then(Parameter::value);
            let value = value.ok_or_else(|| format!("{variable} names {name:?}, which does not exist"))?;
            Ok(config::checked(variable, value.into())?)
        }
    }
}
