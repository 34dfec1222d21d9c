//! The front of a function, the same for each: who asks and from which page, what is read of the environment and of a
//! request's body, what a refusal looks like, what is logged, and how plain HTTP comes in.
//!
//! Knows requests, settings and where sessions are looked up. Knows no route, and nothing of what a function does.

mod access;
mod authenticator;
mod body;
mod clock;
pub mod failure;
mod logging;
#[cfg(feature = "openapi")]
pub mod openapi;
mod refusal;
mod secrets;
mod serve;
mod settings;
mod start;
mod variables;

/// Why something failed that nobody tells apart.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub use access::{AccessError, AllowedOrigins};
pub use authenticator::{AuthenticationError, Authenticator};
pub use body::{BodyError, is_uncompressed_json, read_body};
pub use clock::now_ms;
pub use logging::request_span;
pub use refusal::{Refusal, json_response};
pub use secrets::{Secret, resolve_secrets};
pub use serve::{PlainHttp, Serve, run_with_reconnect, runtime, shutdown_signal};
pub use settings::Settings;
pub use start::start;
pub use variables::{SettingError, Variables};
