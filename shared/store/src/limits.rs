//! The limits of a user's turns.

/// The limits of a user. 0 is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TurnLimits {
    /// Turns begun in one UTC day.
    pub per_day: u64,
    /// Turns that run at once.
    pub parallel: u64,
}
