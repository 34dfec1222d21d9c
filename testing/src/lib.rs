//! The fakes of the surroundings, one of each kind, for the tests of every crate and for
//! `cargo xtask dev`.
//!
//! It lies below `store` and `gateway`, so that both can test with it, and knows nothing of the
//! product but the wires. No function depends on it.

#![allow(
    clippy::disallowed_methods,
    reason = "a fake owns no invocation that its tasks could be frozen with"
)]

#[cfg(feature = "database")]
pub mod database;
pub mod gate;
pub mod gateway;
pub mod loopback;
pub mod origin;
pub mod session;
pub mod surrogates;
pub mod wait;
pub mod wire;
