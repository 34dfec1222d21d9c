//! Secrets, and the fetch of those in the SSM Parameter Store at start.

use aws_sdk_ssm::types::Parameter;
use secrecy::{ExposeSecret, SecretString};

use crate::{BoxError, SettingError};

/// A secret, or the name under which it is stored.
#[derive(Debug)]
pub enum Secret {
    /// The secret itself.
    Inline(SecretString),
    /// The name of a `SecureString` in the SSM Parameter Store.
    Ssm(String),
}

/// Resolves secrets, each given with the variable that names it if it is stored in the Parameter
/// Store. Fetches those in one call.
pub async fn resolve_secrets<const N: usize>(
    secrets: [(&'static str, Secret); N],
) -> Result<[SecretString; N], BoxError> {
    let named = secrets.iter().filter_map(|(_, secret)| match secret {
        Secret::Ssm(name) => Some(name.clone()),
        Secret::Inline(_) => None,
    });
    let wanted: Vec<String> = named.collect();
    let found = if wanted.is_empty() {
        vec![]
    } else {
        parameters(wanted).await?
    };
    let mut resolved = Vec::with_capacity(N);
    for (variable, secret) in secrets {
        resolved.push(resolve(variable, secret, &found)?);
    }
    Ok(resolved.try_into().expect("one is resolved for each"))
}

async fn parameters(names: Vec<String>) -> Result<Vec<Parameter>, BoxError> {
    let shared = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .http_client(store::https_client())
        .load()
        .await;
    let client = aws_sdk_ssm::Client::new(&shared);
    let answer = client
        .get_parameters()
        .set_names(Some(names))
        .with_decryption(true)
        .send()
        .await?;
    Ok(answer.parameters.unwrap_or_default())
}

fn resolve(
    variable: &'static str,
    secret: Secret,
    found: &[Parameter],
) -> Result<SecretString, BoxError> {
    match secret {
        Secret::Inline(text) => Ok(text),
        Secret::Ssm(name) => {
            let is_it = |parameter: &&Parameter| {
                parameter.name() == Some(&name) || parameter.arn() == Some(&name)
            };
            let value = found.iter().find(is_it).and_then(Parameter::value);
            let value =
                value.ok_or_else(|| format!("{variable} names {name:?}, which does not exist"))?;
            Ok(check_secret(variable, value.into())?)
        }
    }
}

/// Returns the secret unless it is empty or has surrounding white space.
pub(crate) fn check_secret(
    name: &'static str,
    secret: SecretString,
) -> Result<SecretString, SettingError> {
    let text = secret.expose_secret();
    if text.is_empty() || text.trim() != text {
        return Err(SettingError::Invalid {
            name,
            allowed: "without leading or trailing white space",
        });
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_found_by_its_name_or_its_arn() {
        let parameter = Parameter::builder()
            .name("/a")
            .arn("arn:aws:ssm:x")
            .value("secret")
            .build();
        for name in ["/a", "arn:aws:ssm:x"] {
            let secret = resolve(
                "A_SSM",
                Secret::Ssm(name.to_owned()),
                std::slice::from_ref(&parameter),
            );
            assert_eq!(secret.unwrap().expose_secret(), "secret", "{name}");
        }
        let missing = resolve("A_SSM", Secret::Ssm("/b".to_owned()), &[parameter]).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "A_SSM names \"/b\", which does not exist"
        );
    }
}
