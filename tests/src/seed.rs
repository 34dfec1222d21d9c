//! Where tests that draw lots get their seeds from, and how many rounds they play.

use std::env;
use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Result, anyhow};

/// The seed, from `SIDEKIQ_SEED`; without it always the same, so that a failure of the build is one that can be had again.
pub fn seed() -> Result<u64> {
    number("SIDEKIQ_SEED", 20_260_301)
}

/// A number of the tester's, or else `default`.
pub fn number<T: FromStr<Err: Display>>(variable: &str, default: T) -> Result<T> {
    match env::var(variable) {
        Ok(text) if !text.is_empty() => {
            text.parse().map_err(|error| anyhow!("{variable}: {error}"))
        }
        _ => Ok(default),
    }
}

/// Random numbers for one of several things that share a seed.
pub fn random(seed: u64, which: usize) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed.wrapping_add((which as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}
