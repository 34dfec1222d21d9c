//! The threads of a user: their items, lists, titles and deletes.

mod delete;
pub(crate) mod item;
mod list;
mod title;

pub use item::{CurrentTurn, Thread};
pub use list::{ThreadCursor, ThreadPage, ThreadSummary};
