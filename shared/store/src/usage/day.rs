//! A day's item: what it says, and what follows from it.

use std::time::Duration;

use serde::Deserialize;

use crate::error::BeginError;
use crate::limits::TurnLimits;
use crate::slot::{QuotaSlot, lease_of};
use crate::usage::counters::Cost;

pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// A slot may become free at any time, long before its lease is over.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// A day's item.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DayItem {
    pub(super) req: u64,
    pub(super) slots: Vec<String>,
    /// The slots of recovered turns whose own processes may still come.
    pub(super) recovered: Vec<String>,
    pub(super) tin: Option<u64>,
    pub(super) tout: Option<u64>,
    pub(super) tcached: Option<u64>,
    pub(super) treasoning: Option<u64>,
    pub(super) cost: Option<Cost>,
}

impl DayItem {
    /// Returns true if the slot is taken, be it by a turn that was recovered.
    pub(super) fn holds(&self, slot: &String) -> bool {
        self.slots.contains(slot) || self.recovered.contains(slot)
    }

    pub(super) fn expired(&self, now_ms: u64) -> Vec<String> {
        self.slots
            .iter()
            .filter(|slot| lease_of(slot) < now_ms)
            .cloned()
            .collect()
    }

    /// Returns the limit that refuses another turn, if one does.
    pub(super) fn refusal(
        &self,
        limits: TurnLimits,
        taken_over: Option<&QuotaSlot>,
        now_ms: u64,
    ) -> Option<BeginError> {
        if limits.per_day > 0 && self.req >= limits.per_day {
            return Some(BeginError::TurnsPerDay {
                retry_after: until_midnight(now_ms),
            });
        }
        let taken_over = taken_over.map(|slot| slot.name.as_str());
        let is_full = !self.has_free_slot(limits.parallel, taken_over);
        is_full.then(|| BeginError::ParallelTurns {
            retry_after: self.retry_after(now_ms),
        })
    }

    /// Returns true if one more turn may run. One that takes over uses the slot of the turn it
    /// takes over from.
    fn has_free_slot(&self, parallel: u64, taken_over: Option<&str>) -> bool {
        let spare = usize::from(
            taken_over.is_some_and(|taken_over| self.slots.iter().any(|slot| slot == taken_over)),
        );
        parallel == 0
            || self.slots.len()
                < spare.saturating_add(usize::try_from(parallel).unwrap_or(usize::MAX))
    }

    /// Returns the time after which a slot may be free.
    fn retry_after(&self, now_ms: u64) -> Duration {
        let earliest = self
            .slots
            .iter()
            .map(|slot| lease_of(slot))
            .min()
            .unwrap_or_default();
        Duration::from_millis(earliest.saturating_sub(now_ms))
            .clamp(Duration::from_secs(1), MAX_RETRY_AFTER)
    }
}

fn until_midnight(now_ms: u64) -> Duration {
    Duration::from_millis(DAY_MS - now_ms % DAY_MS)
}

#[cfg(test)]
mod tests {
    use crate::keys::date;

    use super::*;

    #[test]
    fn a_day_is_a_utc_day() {
        for (now_ms, day, left_ms) in [
            (0, "1970-01-01", DAY_MS),
            (951_782_399_999, "2000-02-28", 1),
            (951_782_400_000, "2000-02-29", DAY_MS),
            (4_102_444_800_000 - 1, "2099-12-31", 1),
        ] {
            assert_eq!(date(now_ms), day);
            assert_eq!(
                until_midnight(now_ms),
                Duration::from_millis(left_ms),
                "{day}"
            );
        }
    }

    #[test]
    fn a_turn_that_takes_over_uses_the_slot_of_the_other() {
        let day = DayItem {
            slots: vec!["0000000000009#a".into(), "0000000000009#b".into()],
            ..DayItem::default()
        };
        for (name, parallel, taken_over, room) in [
            ("no limit", 0, None, true),
            ("below", 3, None, true),
            ("at", 2, None, false),
            ("at, over one of them", 2, Some("0000000000009#b"), true),
            (
                "at, over one of another day",
                2,
                Some("0000000000009#c"),
                false,
            ),
            ("above, over one of them", 1, Some("0000000000009#b"), false),
        ] {
            assert_eq!(day.has_free_slot(parallel, taken_over), room, "{name}");
        }
    }

    #[test]
    fn a_place_is_free_when_its_lease_has_passed() {
        let day = DayItem {
            slots: vec!["0000000001000#a".into(), "0000000009000#b".into()],
            ..DayItem::default()
        };
        assert_eq!(day.expired(1_000), Vec::<String>::new());
        assert_eq!(day.expired(1_001), ["0000000001000#a"]);
        assert_eq!(day.retry_after(0), Duration::from_secs(1));
        let long = DayItem {
            slots: vec!["0000000900000#a".into()],
            ..DayItem::default()
        };
        assert_eq!(
            long.retry_after(0),
            MAX_RETRY_AFTER,
            "most turns end long before their lease"
        );
    }
}
