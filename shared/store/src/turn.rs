//! The life of a turn: begin, stop, end and recovery.

mod begin;
mod finish;
mod recover;
mod stop;

pub use begin::{Begin, BeginTurn, BegunTurn, MAX_TITLE_CHARS, Question};
pub use finish::{Finished, TurnOutcome};
pub use recover::RecoveredAnswer;
pub use stop::TurnSignal;
