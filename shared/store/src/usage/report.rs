//! The usage of a user in a month, from the items of its days.

use message::UserId;

use crate::attribute::{self, string};
use crate::usage::day::DayItem;
use crate::{Store, StoreError, TurnUsage, keys};

/// The usage of a user in one UTC day.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct DayUsage {
    /// Turns begun.
    pub turns: u64,
    /// Turns that hold a slot: they run, or died unnoticed.
    pub running: usize,
    /// The usage of the turns that have ended.
    pub usage: TurnUsage,
}

impl From<DayItem> for DayUsage {
    fn from(day: DayItem) -> Self {
        let usage = TurnUsage {
            input: day.tin,
            output: day.tout,
            cached: day.tcached,
            reasoning: day.treasoning,
            cost: day.cost,
        };
        Self {
            turns: day.req,
            running: day.slots.len(),
            usage,
        }
    }
}

/// The usage of a user in the UTC month of a moment, and in its day.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UsageReport {
    /// The day, spelled `2026-11-22`.
    pub date: String,
    /// The usage of the day.
    pub today: DayUsage,
    /// The usage of the month.
    pub month: MonthUsage,
}

/// The usage of a user in one UTC month.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MonthUsage {
    /// The month, spelled `2026-11`.
    pub month: String,
    /// Turns begun.
    pub turns: u64,
    /// The usage of the turns that have ended.
    pub usage: TurnUsage,
}

impl Store {
    /// Adds up what `user` has done in the UTC month of `now_ms`, strongly consistent.
    pub async fn usage_report(
        &self,
        user: &UserId,
        now_ms: u64,
    ) -> Result<UsageReport, StoreError> {
        let date = keys::date(now_ms);
        let month = date[..7].to_owned();
        let mut days = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("pk = :pk AND sk BETWEEN :first AND :last")
            .expression_attribute_values(":pk", string(keys::user(user)))
            .expression_attribute_values(":first", string(keys::day(&format!("{month}-01"))))
            .expression_attribute_values(":last", string(keys::day(&format!("{month}-31"))))
            .consistent_read(true)
            .into_paginator()
            .items()
            .send();
        let mut report = UsageReport {
            month: MonthUsage {
                month,
                ..MonthUsage::default()
            },
            date,
            ..UsageReport::default()
        };
        while let Some(item) = days.next().await {
            let item = item.map_err(|error| StoreError::of("Query", error))?;
            let is_today = attribute::text(&item, "sk") == keys::day(&report.date);
            let day = DayUsage::from(attribute::read::<DayItem>(item)?);
            report.month.turns = report.month.turns.saturating_add(day.turns);
            report.month.usage = report.month.usage.plus(day.usage);
            if is_today {
                report.today = day;
            }
        }
        Ok(report)
    }
}
