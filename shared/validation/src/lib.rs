//! What a client may ask: the body of `POST /api/chat`, checked as a whole before anything is written or spent.
//!
//! Knows limits, JSON as bytes, the fields of a request and which file URLs are fit to pass on. What a message is
//! made of stands in `message`. Knows nothing of HTTP, of users, or of which models there are.

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
pub use message::extract_text_content;
pub use request::{ChatRequest, Trigger};
