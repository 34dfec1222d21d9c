//! A simulated model gateway: one server with two faces.
//!
//! [`Gateway`] is scripted: a test says step by step what it answers, cuts included, and reads the
//! calls that came. [`Conversation`] makes up an answer to the question, for `cargo xtask dev`.

mod call;
mod conversation;
pub mod responses;
mod scripted;
mod server;
mod step;

pub use crate::gate::Gate;
pub use call::{Call, Ended, SentChunk};
pub use conversation::Conversation;
pub use scripted::Gateway;
pub use step::Step;
