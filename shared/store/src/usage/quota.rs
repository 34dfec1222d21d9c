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

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use message::UserId;

use crate::attribute::{self, condition_failed, number, set_of, string};
use crate::error::BeginError;
use crate::limits::TurnLimits;
use crate::run::{OpenTurn, TurnKeys};
use crate::slot::QuotaSlot;
use crate::usage::counters::TurnUsage;
use crate::{Store, StoreError, keys};

use super::day::{DAY_MS, DayItem};
use super::report::DayUsage;

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
        let (addition, counters) = usage.addition();
        self.release_with(quota_slot, addition, counters).await
    }

    /// Returns the usage of `user` in the UTC day of `now_ms`. Eventually consistent.
    pub async fn usage(&self, user: &UserId, now_ms: u64) -> Result<DayUsage, StoreError> {
        self.day(&keys::user(user), &keys::day(&keys::date(now_ms)), false)
            .await
            .map(DayUsage::from)
    }

    async fn day(&self, pk: &str, sk: &str, consistent: bool) -> Result<DayItem, StoreError> {
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
        let mut condition = String::from(
            "(attribute_not_exists(slots) OR NOT contains(slots, :slot)) \
             AND (attribute_not_exists(recovered) OR NOT contains(recovered, :slot))",
        );
        let mut request = self.client.update_item();
        if limits.per_day > 0 {
            condition.push_str(" AND (attribute_not_exists(req) OR req < :day)");
            request = request.expression_attribute_values(":day", number(limits.per_day));
        }
        if limits.parallel > 0 {
            condition.push_str(" AND (attribute_not_exists(slots) OR size(slots) < :cap");
            request = request.expression_attribute_values(":cap", number(limits.parallel));
            if let Some(taken_over) = taken_over {
                condition.push_str(" OR (size(slots) < :more AND contains(slots, :taken_over))");
                request = request
                    .expression_attribute_values(":more", number(limits.parallel.saturating_add(1)))
                    .expression_attribute_values(":taken_over", string(&taken_over.name));
            }
            condition.push(')');
        }
        let sent = request
            .table_name(&*self.table)
            .key("pk", string(&quota_slot.pk))
            .key("sk", string(&quota_slot.sk))
            .update_expression("SET #ttl = :ttl ADD req :one, slots :slots")
            .condition_expression(condition)
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(
                ":ttl",
                number((quota_slot.now_ms + RETENTION_DAYS * DAY_MS) / 1000),
            )
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":slot", string(&quota_slot.name))
            .expression_attribute_values(":slots", set_of(&quota_slot.name))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Reservation::Held);
        };
        let Some(found) = condition_failed(&error) else {
            return Err(StoreError::of("UpdateItem", error));
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
        self.release_with(
            quota_slot,
            " ADD #req :req".to_owned(),
            vec![("req".to_owned(), minus_one)],
        )
        .await
    }

    /// Stops counting a recovered turn against the parallel limit.
    pub(crate) async fn release_for_recovery(&self, turn: &OpenTurn) -> Result<(), StoreError> {
        let request = self
            .client
            .update_item()
            .update_expression("ADD recovered :slots DELETE slots :slots")
            .condition_expression("contains(slots, :slot)");
        self.update_slot(request, &turn.quota_slot()).await
    }

    async fn release_with(
        &self,
        quota_slot: &QuotaSlot,
        addition: String,
        counters: Vec<(String, AttributeValue)>,
    ) -> Result<(), StoreError> {
        let mut request = self.client.update_item();
        for (name, value) in counters {
            request = request
                .expression_attribute_names(format!("#{name}"), &name)
                .expression_attribute_values(format!(":{name}"), value);
        }
        let request = request
            .update_expression(format!("DELETE slots :slots, recovered :slots{addition}"))
            .condition_expression("contains(slots, :slot) OR contains(recovered, :slot)");
        self.update_slot(request, quota_slot).await
    }

    /// Sends the request, unless the slot was released before.
    async fn update_slot(
        &self,
        request: UpdateItemFluentBuilder,
        quota_slot: &QuotaSlot,
    ) -> Result<(), StoreError> {
        let sent = request
            .table_name(&*self.table)
            .key("pk", string(&quota_slot.pk))
            .key("sk", string(&quota_slot.sk))
            .expression_attribute_values(":slot", string(&quota_slot.name))
            .expression_attribute_values(":slots", set_of(&quota_slot.name))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if condition_failed(&error).is_some() => Ok(()),
            Err(error) => Err(StoreError::of("UpdateItem", error)),
        }
    }

    async fn remove_slots(
        &self,
        quota_slot: &QuotaSlot,
        slots: Vec<String>,
    ) -> Result<(), StoreError> {
        self.client
            .update_item()
            .table_name(&*self.table)
            .key("pk", string(&quota_slot.pk))
            .key("sk", string(&quota_slot.sk))
            .update_expression("DELETE slots :slots")
            .expression_attribute_values(":slots", AttributeValue::Ss(slots))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| StoreError::of("UpdateItem", error))
    }
}
