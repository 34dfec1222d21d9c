//! Checks of what is in the table once no turn is running.

pub mod invariants;
pub mod thread_snapshot;
