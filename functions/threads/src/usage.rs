//! `GET /api/usage`: what the user has done today and this month (UTC), and how much may be done.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use front::now_ms;
use http::HeaderMap;
use serde::Serialize;
use store::{TurnLimits, TurnUsage, UsageReport};

use crate::clients::Clients;
use crate::error::ApiError;
use crate::shapes::ok;

/// Answers with sums. Turns count from their begin, tokens and cost from their end.
pub(crate) async fn usage(
    State(clients): State<Arc<Clients>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = clients.user_of(&headers).await?;
    let report = clients.store.usage_report(&user, now_ms()).await?;
    Ok(ok(&Usage::new(&report, clients.turn_limits)))
}

#[derive(Serialize)]
struct Usage<'a> {
    today: Today<'a>,
    month: Month<'a>,
    limits: Limits,
}

#[derive(Serialize)]
struct Today<'a> {
    date: &'a str,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Serialize)]
struct Month<'a> {
    month: &'a str,
    #[serde(flatten)]
    sums: Sums,
}

/// Tokens that nobody reported are not counted. A cost that nobody reported is not known to be nothing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sums {
    turns: u64,
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
    reasoning_tokens: u64,
    cost_usd: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    turns_per_day: Option<u64>,
    parallel_turns: Option<u64>,
}

impl<'a> Usage<'a> {
    fn new(report: &'a UsageReport, limits: TurnLimits) -> Self {
        let unless_unlimited = |limit: u64| (limit > 0).then_some(limit);
        Self {
            today: Today { date: &report.date, sums: Sums::new(report.today.turns, &report.today.usage) },
            month: Month {
                month: &report.month.month,
                sums: Sums::new(report.month.turns, &report.month.usage),
            },
            limits: Limits {
                turns_per_day: unless_unlimited(limits.per_day),
                parallel_turns: unless_unlimited(limits.parallel),
            },
        }
    }
}

impl Sums {
    fn new(turns: u64, usage: &TurnUsage) -> Self {
        Self {
            turns,
            input_tokens: usage.input.unwrap_or_default(),
            output_tokens: usage.output.unwrap_or_default(),
            cached_tokens: usage.cached.unwrap_or_default(),
            reasoning_tokens: usage.reasoning.unwrap_or_default(),
            cost_usd: usage.cost.map(|cost| cost.to_string()),
        }
    }
}
