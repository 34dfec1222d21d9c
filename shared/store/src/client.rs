//! The client of DynamoDB.
//!
//! Knows endpoints, trust, timeouts and where keys come from. Start-up is on the user's clock: no
//! network, no roots read from disk, and nothing awaited beyond the environment and a profile file,
//! if there is one.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

/// The roots under which every AWS endpoint lies, see <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");
/// The number of idle connections that the client keeps. Hundreds of turns at once open many more
/// for a moment, and each holds buffers.
const MAX_IDLE_CONNECTIONS: usize = 32;
const MAX_BACKOFF: Duration = Duration::from_secs(2);

/// The address of DynamoDB, and the timeouts.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// The address of DynamoDB. `None` leaves it to aws-config: `AWS_ENDPOINT_URL_DYNAMODB`, a
    /// profile, or AWS itself. An `https` endpoint that is not Amazon's must be named here, so that
    /// the system's roots are trusted.
    pub endpoint: Option<String>,
    /// True for an engine on this machine, which takes any keys and any region.
    pub local: bool,
    /// The time that one connection may take to open.
    pub connect_timeout: Duration,
    /// The time that one attempt of one operation may take.
    pub attempt_timeout: Duration,
    /// The time that one operation may take with all its attempts and the waits between them.
    pub operation_timeout: Duration,
    /// The number of attempts of one operation.
    pub max_attempts: u32,
    /// The longest wait before the second attempt after throttling; it doubles, and is jittered.
    pub first_backoff: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            local: false,
            connect_timeout: Duration::from_secs(1),
            attempt_timeout: Duration::from_millis(2500),
            operation_timeout: Duration::from_secs(8),
            max_attempts: 4,
            first_backoff: Duration::from_millis(250),
        }
    }
}

impl ClientOptions {
    /// Returns the options for an engine on this machine, such as DynamoDB Local, at `endpoint`.
    pub fn local(endpoint: &str) -> Self {
        Self {
            endpoint: Some(endpoint.to_owned()),
            local: true,
            ..Self::default()
        }
    }
}

/// A missing part of the client's configuration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// No region is set, and without one no request can be signed.
    #[error("no AWS region: set AWS_REGION to the region of the table")]
    NoRegion,
}

/// Makes a client without talking to anybody.
///
/// Keys are looked for at the first request and kept: environment, profile, web identity, the
/// container's credentials endpoint.
pub async fn connect(options: &ClientOptions) -> Result<Client, ConnectError> {
    let config = loader(options).load().await;
    if config.region().is_none() {
        return Err(ConnectError::NoRegion);
    }
    Ok(Client::new(&config))
}

fn loader(options: &ClientOptions) -> ConfigLoader {
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http_client(options.endpoint.as_deref()))
        .timeout_config(timeouts(options))
        .retry_config(retries(options));
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if options.local {
        let keys = Credentials::from_keys("local", "local", None);
        return loader
            .region(Region::from_static("us-east-1"))
            .credentials_provider(keys);
    }
    // The default chain would go on to ask the instance metadata service, which takes seconds to be
    // absent.
    loader.region(
        RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new()),
    )
}

/// Returns a client for AWS's own endpoints, which trusts Amazon's roots only. Building it reads no
/// file.
pub fn https_client() -> SharedHttpClient {
    http_client(None)
}

fn http_client(endpoint: Option<&str>) -> SharedHttpClient {
    let trust = if endpoint.is_some_and(is_foreign) {
        TrustStore::default()
    } else {
        TrustStore::empty().with_pem_certificate(AMAZON_ROOTS)
    };
    let tls = TlsContext::builder()
        .with_trust_store(trust)
        .build()
        .expect("a trust store is a complete TLS context");
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
        .build_https()
}

/// Returns true if TLS to `endpoint` may end at a certificate that Amazon did not sign.
fn is_foreign(endpoint: &str) -> bool {
    let Some(rest) = endpoint.strip_prefix("https://") else {
        return false;
    };
    let host = rest.split(['/', ':']).next().unwrap_or_default();
    ![".amazonaws.com", ".amazonaws.com.cn", ".api.aws"]
        .iter()
        .any(|suffix| host.ends_with(suffix))
}

fn timeouts(options: &ClientOptions) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(options.connect_timeout)
        .operation_attempt_timeout(options.attempt_timeout)
        .operation_timeout(options.operation_timeout)
        .build()
}

fn retries(options: &ClientOptions) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(options.max_attempts)
        .with_initial_backoff(options.first_backoff)
        .with_max_backoff(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_endpoint_that_is_not_amazons_reads_the_systems_roots() {
        for (endpoint, foreign) in [
            ("http://127.0.0.1:8000", false),
            ("https://dynamodb.eu-central-1.amazonaws.com", false),
            ("https://dynamodb.cn-north-1.amazonaws.com.cn/", false),
            ("https://123.ddb.eu-central-1.amazonaws.com:443", false),
            ("https://alternator.example:8043", true),
            ("https://amazonaws.com.example", true),
        ] {
            assert_eq!(is_foreign(endpoint), foreign, "{endpoint}");
        }
    }

    #[tokio::test]
    async fn the_embedded_roots_are_certificates() {
        // The TLS provider refuses a broken certificate by panicking when the client is made.
        let options = ClientOptions::local("https://dynamodb.us-east-1.amazonaws.com");
        assert!(connect(&options).await.is_ok());
    }
}
