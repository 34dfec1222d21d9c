//! The seeds of randomized tests, and numbers from the tester's environment.

use std::env;
use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Result, anyhow};

/// Returns the seed from `SIDEKIQ_SEED`; without it a constant, so that a failed build can be
/// reproduced.
pub fn seed() -> Result<u64> {
    number("SIDEKIQ_SEED", 20_260_301)
}

/// Returns a number from the tester's environment, or `default`.
pub fn number<T: FromStr<Err: Display>>(variable: &str, default: T) -> Result<T> {
    match env::var(variable) {
        Ok(text) if !text.is_empty() => {
            text.parse().map_err(|error| anyhow!("{variable}: {error}"))
        }
        _ => Ok(default),
    }
}

/// Returns random numbers for one of several subjects that share a seed.
pub fn random(seed: u64, which: usize) -> fastrand::Rng {
    fastrand::Rng::with_seed(seed.wrapping_add((which as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)))
}
