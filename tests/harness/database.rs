//! The functions' DynamoDB: an embedded engine with faults, and turns that are stored without a
//! function.

mod engine;
pub mod stored_turn;

pub use engine::{Behaviour, Engine, Fault, Operation, TABLE, number, text};
