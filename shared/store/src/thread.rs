//! The threads of a user: their items, lists, titles and deletes.

mod delete;
pub(crate) mod item;
mod list;
mod read;
mod title;

pub use list::{ThreadCursor, ThreadPage, ThreadSummary};
pub use read::{CurrentTurn, Thread};
