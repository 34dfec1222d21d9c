//! Messages of a thread: their items, and their reads and writes.

mod assemble;
pub(crate) mod find;
pub(crate) mod item;
mod page;
pub(crate) mod parts;
pub(crate) mod path;
pub(crate) mod read;
pub(crate) mod write;

pub use assemble::StoredMessage;
pub use item::Status;
pub use page::{MessagePage, Pages};
pub use read::History;
pub use write::{Answer, UserMessage};
