//! The slot of a turn in the quota of a user's day, and its name there.

use message::{StreamId, UserId};

use crate::keys;

/// The slot of a turn in the quota of a user's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuotaSlot {
    pub(crate) pk: String,
    pub(crate) sk: String,
    /// Its element in the sets of the day's item.
    pub(crate) name: String,
    pub(crate) now_ms: u64,
}

impl QuotaSlot {
    /// Creates the slot of a turn that begins at `now_ms`, in the item of that day.
    pub(crate) fn new(user: &UserId, stream: &StreamId, now_ms: u64, lease_ms: u64) -> Self {
        let name = format!("{lease_ms:013}#{stream}");
        Self {
            pk: keys::user(user),
            sk: keys::day(&keys::date(now_ms)),
            name,
            now_ms,
        }
    }
}

/// Returns the lease in the name of a slot.
pub(crate) fn lease_of(slot: &str) -> u64 {
    slot.split('#')
        .next()
        .and_then(|lease| lease.parse().ok())
        .unwrap_or_default()
}
