//! The limits and the usage of a user's day: turns begun, turns running, tokens and cost.
//!
//! One item a user and UTC day. Each running turn holds a slot in it, an element of the set
//! `slots` that names its lease and its run. Taking the slot is one write on condition that there
//! is one left, so of many begins at once no more pass than may. Giving it back happens once, since
//! it is conditional on the slot, and so what the turn used is counted once. A turn that died
//! leaves its slot; a begin that finds no free slot removes those whose lease has passed.
//!
//! Recovery moves the slot of a turn to a second set, `recovered`, which does not count. Should the
//! turn's own process come after all, it records its usage from there.
//!
//! A turn is counted on the day it began: one begun before midnight takes no slot of the day
//! after.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};

use crate::attribute::{self, number, set_of, string};
use crate::error::BeginError;
use crate::limits::TurnLimits;
use crate::run::{OpenTurn, TurnKeys};
use crate::slot::QuotaSlot;
use crate::update::{Update, Updated};
use crate::usage::counters::TurnUsage;
use crate::{Store, StoreError};

use super::day::{DAY_MS, DayItem};

/// The time that a begin waits for a slot, in milliseconds: equal begins at once take slots for a
/// moment, which all but one of them give back.
const RETRY_DELAYS_MS: [u64; 5] = [10, 20, 40, 80, 80];
/// The time that a day's item is kept. A day's figures are wanted for a month, and a little longer.
const RETENTION_DAYS: u64 = 40;

/// The outcome of a try for a slot.
pub(crate) enum Reservation {
    /// It is taken.
    Held,
    /// There is none.
    Full(DayItem),
}

impl Store {
    /// Adds what the turn used to its day, and releases its slot. Once, however often it is
    /// called: a turn whose slot is gone was recorded before.
    pub async fn record_usage(&self, keys: &TurnKeys, usage: &TurnUsage) -> Result<(), StoreError> {
        let Some(quota_slot) = &keys.0.quota_slot else {
            return Ok(());
        };
        self.release_with(quota_slot, usage.add_to(Update::default()))
            .await
    }

    pub(crate) async fn day(
        &self,
        pk: &str,
        sk: &str,
        consistent: bool,
    ) -> Result<DayItem, StoreError> {
        let found = self
            .client
            .get_item()
            .table_name(&*self.table)
            .key("pk", string(pk))
            .key("sk", string(sk))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(|error| StoreError::of("GetItem", error))?;
        attribute::read(found.item.unwrap_or_default())
    }

    /// Tries for a slot once. `previous` is the turn that is taken over from.
    pub(crate) async fn reserve(
        &self,
        quota_slot: &QuotaSlot,
        limits: TurnLimits,
        taken_over: Option<&QuotaSlot>,
    ) -> Result<Reservation, StoreError> {
        let updated = self
            .update(
                &quota_slot.pk,
                &quota_slot.sk,
                reservation(quota_slot, limits, taken_over),
            )
            .await?;
        let Updated::ConditionFailed(found) = updated else {
            return Ok(Reservation::Held);
        };
        let day: DayItem = attribute::read(found)?;
        // Then an earlier attempt was applied, and only its answer got lost.
        Ok(if day.holds(&quota_slot.name) {
            Reservation::Held
        } else {
            Reservation::Full(day)
        })
    }

    /// Takes a slot although none seemed free: removes those of dead turns, waits a moment, and
    /// tries again.
    pub(crate) async fn wait_for_slot(
        &self,
        quota_slot: &QuotaSlot,
        limits: TurnLimits,
        taken_over: Option<&QuotaSlot>,
        mut day: DayItem,
    ) -> Result<(), BeginError> {
        for pause_ms in RETRY_DELAYS_MS {
            let expired = day.expired(quota_slot.now_ms);
            if !expired.is_empty() {
                self.remove_slots(quota_slot, expired).await?;
            } else if day.refusal(limits, taken_over, quota_slot.now_ms).is_some() {
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
                day = self.day(&quota_slot.pk, &quota_slot.sk, true).await?;
                if day.refusal(limits, taken_over, quota_slot.now_ms).is_some() {
                    continue;
                }
            }
            match self.reserve(quota_slot, limits, taken_over).await? {
                Reservation::Held => return Ok(()),
                Reservation::Full(found) => day = found,
            }
        }
        let refusal = day.refusal(limits, taken_over, quota_slot.now_ms);
        Err(refusal.unwrap_or_else(|| {
            StoreError::Conflict {
                operation: "UpdateItem",
            }
            .into()
        }))
    }

    /// Releases the slot of a turn that did not begin, as if it had never been reserved.
    pub(crate) async fn release(&self, quota_slot: &QuotaSlot) -> Result<(), StoreError> {
        let minus_one = AttributeValue::N("-1".to_owned());
        self.release_with(quota_slot, Update::default().add("req", minus_one))
            .await
    }

    /// Stops counting a recovered turn against the parallel limit.
    pub(crate) async fn release_for_recovery(&self, turn: &OpenTurn) -> Result<(), StoreError> {
        let slot = turn.quota_slot();
        let update = Update::default()
            .add("recovered", set_of(&slot.name))
            .delete("slots", set_of(&slot.name))
            .condition("contains(slots, :slot)");
        self.update_slot(&slot, update).await
    }

    /// Removes the slot with an `update` of the day, once.
    async fn release_with(&self, quota_slot: &QuotaSlot, update: Update) -> Result<(), StoreError> {
        let update = update
            .delete("slots", set_of(&quota_slot.name))
            .delete("recovered", set_of(&quota_slot.name))
            .condition("contains(slots, :slot) OR contains(recovered, :slot)");
        self.update_slot(quota_slot, update).await
    }

    /// Applies the update, unless the slot was released before.
    async fn update_slot(&self, quota_slot: &QuotaSlot, update: Update) -> Result<(), StoreError> {
        let update = update.value(":slot", string(&quota_slot.name));
        self.update(&quota_slot.pk, &quota_slot.sk, update).await?;
        Ok(())
    }

    async fn remove_slots(
        &self,
        quota_slot: &QuotaSlot,
        slots: Vec<String>,
    ) -> Result<(), StoreError> {
        let update = Update::default().delete("slots", AttributeValue::Ss(slots));
        self.update(&quota_slot.pk, &quota_slot.sk, update).await?;
        Ok(())
    }
}

/// Returns the update that takes a slot, on condition that the limits leave one.
fn reservation(
    quota_slot: &QuotaSlot,
    limits: TurnLimits,
    taken_over: Option<&QuotaSlot>,
) -> Update {
    let expires_at_s = (quota_slot.now_ms + RETENTION_DAYS * DAY_MS) / 1000;
    let mut update = Update::default()
        .set("ttl", number(expires_at_s))
        .add("req", number(1))
        .add("slots", set_of(&quota_slot.name))
        .condition("attribute_not_exists(slots) OR NOT contains(slots, :slot)")
        .condition("attribute_not_exists(recovered) OR NOT contains(recovered, :slot)")
        .value(":slot", string(&quota_slot.name))
        // Only the item that refuses is wanted.
        .returning(ReturnValue::None);
    if limits.per_day > 0 {
        update = update
            .condition("attribute_not_exists(req) OR req < :day")
            .value(":day", number(limits.per_day));
    }
    if limits.parallel == 0 {
        return update;
    }
    update = update.value(":cap", number(limits.parallel));
    match taken_over {
        None => update.condition("attribute_not_exists(slots) OR size(slots) < :cap"),
        Some(taken_over) => update
            .condition(
                "attribute_not_exists(slots) OR size(slots) < :cap \
                 OR (size(slots) < :more AND contains(slots, :taken_over))",
            )
            .value(":more", number(limits.parallel.saturating_add(1)))
            .value(":taken_over", string(&taken_over.name)),
    }
}
