//! The retry policy of refused calls, that of the original. Pure arithmetic, without a clock.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::GatewayError;

/// The maximum number of calls: the first and two retries.
const MAX_CALLS: u32 = 3;
const INITIAL_WAIT: Duration = Duration::from_secs(2);
/// A `retry-after` of this length or more is ignored.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);
/// The minimum time for a call. With less left before the deadline, a retry could only cost money.
const MIN_CALL_TIME: Duration = Duration::from_secs(1);

/// Returns the wait before the next call after `made` calls, the last of which ended in `error`;
/// `None` if the call must not be retried.
pub(crate) fn wait(error: &GatewayError, made: u32) -> Option<Duration> {
    if made >= MAX_CALLS || !error.is_retryable() {
        return None;
    }
    let asked = match error {
        GatewayError::Refused { retry_after, .. } => *retry_after,
        _ => None,
    };
    Some(
        asked
            .filter(|asked| *asked < MAX_RETRY_AFTER)
            .unwrap_or(INITIAL_WAIT * 2_u32.pow(made - 1)),
    )
}

/// Returns true if a call that begins after `wait` can succeed before `deadline`.
pub(crate) fn fits(wait: Duration, now: Instant, deadline: Option<Instant>) -> bool {
    deadline.is_none_or(|deadline| now + wait + MIN_CALL_TIME <= deadline)
}

/// Returns the wait that the gateway asks for: `retry-after-ms`, or `retry-after` in seconds or as
/// an HTTP date. Unbounded.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let seconds = |number: f64| Duration::try_from_secs_f64(number).ok();
    let milliseconds = text("retry-after-ms").and_then(|text| text.parse::<f64>().ok());
    if let Some(milliseconds) = milliseconds {
        return seconds(milliseconds / 1000.0);
    }
    let text = text("retry-after")?;
    match text.parse::<f64>() {
        Ok(number) => seconds(number),
        Err(_) => httpdate::parse_http_date(text)
            .ok()?
            .duration_since(now)
            .ok(),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    fn refused(status: u16, retry_after: Option<Duration>) -> GatewayError {
        GatewayError::Refused {
            status,
            kind: None,
            retry_after,
        }
    }

    #[test]
    fn three_calls_are_made_two_and_four_seconds_apart() {
        let waits: Vec<_> = (1..5).map(|made| wait(&refused(500, None), made)).collect();
        assert_eq!(
            waits,
            [
                Some(Duration::from_secs(2)),
                Some(Duration::from_secs(4)),
                None,
                None
            ]
        );
        assert_eq!(wait(&refused(400, None), 1), None);
        assert_eq!(wait(&refused(400, Some(Duration::from_secs(1))), 1), None);
        assert_eq!(wait(&GatewayError::FirstPartTimeout, 1), None);
    }

    #[test]
    fn the_gateway_s_own_wait_counts_below_a_minute() {
        for (asked_ms, wait_ms) in [
            (0, 0),
            (1, 1),
            (59_999, 59_999),
            (60_000, 2_000),
            (86_400_000, 2_000),
        ] {
            let error = refused(429, Some(Duration::from_millis(asked_ms)));
            assert_eq!(
                wait(&error, 1),
                Some(Duration::from_millis(wait_ms)),
                "{asked_ms}"
            );
        }
    }

    #[test]
    fn no_wait_reaches_past_the_deadline() {
        let now = Instant::now();
        let in_ms = |ms| Some(now + Duration::from_millis(ms));
        let wait = Duration::from_secs(2);
        assert!(fits(wait, now, None));
        assert!(fits(wait, now, in_ms(3_000)));
        assert!(!fits(wait, now, in_ms(2_999)));
        assert!(!fits(wait, now, in_ms(1_000)));
    }

    #[test]
    fn every_form_of_retry_after_is_parsed() {
        let now = httpdate::parse_http_date("Wed, 01 Oct 2025 12:00:00 GMT").unwrap();
        let read = |pairs: &[(&'static str, &'static str)]| {
            let headers = pairs.iter().map(|(name, value)| {
                (
                    reqwest::header::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            retry_after(&headers.collect(), now).map(|wait| wait.as_millis())
        };
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("retry-after", "1")]), Some(1_000));
        assert_eq!(read(&[("retry-after", " 0.5 ")]), Some(500));
        assert_eq!(
            read(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            Some(250)
        );
        assert_eq!(
            read(&[("retry-after-ms", "soon"), ("retry-after", "9")]),
            Some(9_000)
        );
        assert_eq!(
            read(&[("retry-after", "Wed, 01 Oct 2025 12:00:07 GMT")]),
            Some(7_000)
        );
        assert_eq!(
            read(&[("retry-after", "Wed, 01 Oct 2025 11:00:00 GMT")]),
            None
        );
        for odd in ["", "-1", "NaN", "inf", "1e300", "soon"] {
            assert_eq!(read(&[("retry-after", odd)]), None, "{odd:?}");
        }
    }
}
