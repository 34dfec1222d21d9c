//! The stream of a turn: its bytes in memory, and its readers in this and in other processes.
//!
//! Knows bytes, journals and stored answers. Knows nothing of how an answer is made.

pub(crate) mod body;
pub(crate) mod buffer;
pub(crate) mod follow;
pub(crate) mod journal;
pub(crate) mod registry;
pub(crate) mod replay;
