//! Acceptance tests: the built binaries, seen from outside. Each folder covers one part of
//! what the functions promise; the harness is this package's library.

#![allow(
    clippy::disallowed_methods,
    reason = "a test owns no invocation its tasks could be frozen with"
)]

mod api;
mod better_auth;
mod browser;
mod clients;
mod deployment;
mod faults;
mod streams;
mod threads;
mod turns;
