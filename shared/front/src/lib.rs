//! The parts that all functions share: authentication, allowed origins, settings, secrets, request
//! bodies, refusals, logs, and plain HTTP.
//!
//! Knows requests, settings and where sessions are looked up. Knows no route and no function's
//! purpose.

mod access;
mod authenticator;
mod body;
mod clock;
mod error;
mod error_chain;
mod logging;
#[cfg(feature = "openapi")]
pub mod openapi;
mod refusal;
mod secrets;
mod serve;
mod setting_error;
mod settings;
mod start;
mod variables;

/// A boxed error, for failures that callers do not distinguish.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

pub use access::AccessError;
pub use authenticator::Authenticator;
pub use body::{is_uncompressed_json, read_body};
pub use clock::{millis, now_ms};
pub use error::FrontError;
pub use error_chain::error_chain;
pub use logging::{init_logging, request_span};
pub use refusal::{Refusal, json_response};
pub use secrets::{Secret, resolve_secrets};
pub use serve::{PlainHttp, Serve, run_with_reconnect, runtime, shutdown_signal};
pub use setting_error::SettingError;
pub use settings::Settings;
pub use start::{exit_code, report_invalid_config};
pub use variables::Variables;
