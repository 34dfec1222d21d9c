//! The crate as its caller sees it: against better-auth's own verdicts, and against hostile headers.

mod hostile;
mod hostile_access_tokens;
mod hostile_caches;
mod key_kinds;
mod vectors;
