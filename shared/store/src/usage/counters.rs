//! The usage of turns, and its sums.
//!
//! Knows the attributes that counters have in items. What was not reported is not added: a counter
//! that is absent was never reported.

use std::fmt;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;

use crate::attribute::number;
use crate::update::Update;

/// The usage of a turn, or of several turns together. `None` means "not reported", never zero.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
pub struct TurnUsage {
    /// Tokens of the prompt.
    #[serde(rename = "tin", default)]
    pub input: Option<u64>,
    /// Tokens of the answer.
    #[serde(rename = "tout", default)]
    pub output: Option<u64>,
    /// Those of the prompt that came from the provider's cache.
    #[serde(rename = "tcached", default)]
    pub cached: Option<u64>,
    /// Those of the answer that went into reasoning.
    #[serde(rename = "treasoning", default)]
    pub reasoning: Option<u64>,
    /// The cost that the gateway reported.
    #[serde(rename = "cost", default)]
    pub cost: Option<Cost>,
}

impl TurnUsage {
    /// Returns the counters to add, by their names in an item.
    fn counters(&self) -> impl Iterator<Item = (&'static str, AttributeValue)> {
        let tokens = [
            ("tin", self.input),
            ("tout", self.output),
            ("tcached", self.cached),
            ("treasoning", self.reasoning),
        ];
        let cost = self
            .cost
            .map(|cost| ("cost", AttributeValue::N(cost.to_string())));
        tokens
            .into_iter()
            .filter_map(|(name, count)| Some((name, number(count?))))
            .chain(cost)
    }

    /// Returns the sum of both.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            input: sum(self.input, other.input, u64::saturating_add),
            output: sum(self.output, other.output, u64::saturating_add),
            cached: sum(self.cached, other.cached, u64::saturating_add),
            reasoning: sum(self.reasoning, other.reasoning, u64::saturating_add),
            cost: sum(self.cost, other.cost, |one, other| Cost(one.0 + other.0)),
        }
    }

    /// Adds all that was reported to the counters of an item.
    pub(crate) fn add_to(&self, update: Update) -> Update {
        self.counters()
            .fold(update, |update, (name, value)| update.add(name, value))
    }
}

fn sum<T>(one: Option<T>, other: Option<T>, add: impl FnOnce(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(add(one, other)),
        (one, other) => one.or(other),
    }
}

/// An amount in US dollars, exact to twelve places.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Deserialize)]
#[serde(transparent)]
pub struct Cost(f64);

impl Cost {
    const MAX_USD: f64 = 1e6;

    /// Takes `text`, a decimal such as `0.00123` or `4e-7`. `None` for anything else, what is
    /// negative, and what no answer can cost.
    pub fn parse(text: &str) -> Option<Self> {
        let amount: f64 = text.trim().parse().ok()?;
        (0.0..=Self::MAX_USD)
            .contains(&amount)
            .then_some(Self(amount))
    }

    /// Returns the amount in US dollars.
    pub fn usd(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = format!("{:.12}", self.0);
        formatter.write_str(amount.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_a_decimal_that_the_table_takes() {
        for (text, expected) in [
            ("0.00123", Some("0.00123")),
            ("4e-7", Some("0.0000004")),
            ("12", Some("12")),
            ("0", Some("0")),
            ("0.1234567890124", Some("0.123456789012")),
            ("-1", None),
            ("NaN", None),
            ("inf", None),
            ("1e300", None),
            ("free", None),
            ("", None),
        ] {
            assert_eq!(
                Cost::parse(text).map(|cost| cost.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn only_what_was_reported_is_added() {
        let addition = |usage: TurnUsage| usage.add_to(Update::default()).expression();
        assert_eq!(addition(TurnUsage::default()), "");
        let usage = TurnUsage {
            output: Some(0),
            cost: Cost::parse("0.5"),
            ..TurnUsage::default()
        };
        assert_eq!(addition(usage), "ADD tout :tout, #cost :cost");
        let values: Vec<_> = usage
            .counters()
            .map(|(name, value)| (name, value.as_n().unwrap().clone()))
            .collect();
        assert_eq!(
            values,
            [("tout", "0".to_owned()), ("cost", "0.5".to_owned())]
        );
    }
}
