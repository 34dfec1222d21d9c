//! The request body of `POST /api/chat`, validated completely before anything is written or spent.
//!
//! Knows limits, JSON as bytes, the fields of a request and the file URLs that may be passed on.
//! The content of a message is defined in `message`. Knows nothing of HTTP, of users, or of the
//! available models.

mod error;
mod file_url;
mod limits;
mod messages;
#[cfg(feature = "openapi")]
mod openapi;
mod request;
mod scan;

pub use error::RequestError;
pub use limits::Limits;
pub use request::{ChatRequest, Trigger};
