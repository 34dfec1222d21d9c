//! The content of a cookie cache, and the limit of its size.

use serde::Deserialize;

use crate::stored::{StoredSession, StoredUser};

/// The maximum size of a cache, far more than a request's headers can hold.
pub(super) const MAX_CACHE_BYTES: usize = 64 * 1024;

/// The content of a cache, the same for all strategies.
#[derive(Deserialize)]
pub(super) struct Payload {
    pub(super) session: StoredSession,
    pub(super) user: StoredUser,
    pub(super) version: Option<String>,
}
