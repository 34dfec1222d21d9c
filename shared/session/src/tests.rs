//! Tests of the public API: against the verdicts of better-auth itself, and against hostile
//! headers.

mod hostile;
mod hostile_access_tokens;
mod hostile_caches;
mod key_kinds;
mod vectors;
