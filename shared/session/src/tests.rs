//! The crate as its caller sees it: against better-auth's own verdicts, and against hostile headers.

mod hostile;
mod vectors;
