//! The usage of turns, and the limits and figures of a user's day.

pub(crate) mod counters;
pub(crate) mod day;
pub(crate) mod quota;
mod report;

pub use counters::{Cost, TurnUsage};
pub use report::{DayUsage, MonthUsage, UsageReport};
