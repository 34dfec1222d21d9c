//! `GET /api/usage`: the user's usage of today and of this month (UTC), and the limits.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use front::now_ms;
use http::HeaderMap;
use serde::Serialize;
use store::{TurnLimits, TurnUsage, UsageReport};

use crate::error::ApiError;
use crate::response::ok;
use crate::state::AppState;

/// Answers with sums. Turns count when they begin, tokens and cost when they end.
#[cfg_attr(test, utoipa::path(
    get,
    path = "/api/usage",
    tag = "account",
    operation_id = "readUsage",
    summary = "Get the user's usage and limits",
    responses((status = 200, description = "Sums by UTC day and month", body = ref("#/components/schemas/Usage"))),
))]
pub(crate) async fn usage(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let user = state.authenticate(&headers).await?;
    let report = state.store.usage_report(&user, now_ms()).await?;
    Ok(ok(&Usage::new(&report, state.turn_limits)))
}

/// The usage and the limits.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Usage<'a> {
    today: Today<'a>,
    month: Month<'a>,
    limits: Limits,
}

/// The usage of the day so far.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Today<'a> {
    /// `YYYY-MM-DD`.
    date: &'a str,
    #[serde(flatten)]
    sums: Sums,
}

/// The usage of the month so far.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Month<'a> {
    /// `YYYY-MM`.
    month: &'a str,
    #[serde(flatten)]
    sums: Sums,
}

/// Sums of usage. Tokens that were not reported are not counted. A cost that was not reported is
/// `null`, since it is not known to be zero.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Sums {
    /// The number of turns that have begun.
    turns: u64,
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
    reasoning_tokens: u64,
    /// The cost in USD, as a decimal number.
    cost_usd: Option<String>,
}

/// The limits; `null` means unlimited.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
struct Limits {
    turns_per_day: Option<u64>,
    parallel_turns: Option<u64>,
}

impl<'a> Usage<'a> {
    fn new(report: &'a UsageReport, limits: TurnLimits) -> Self {
        let unless_unlimited = |limit: u64| (limit > 0).then_some(limit);
        Self {
            today: Today {
                date: &report.date,
                sums: Sums::new(report.today.turns, &report.today.usage),
            },
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
