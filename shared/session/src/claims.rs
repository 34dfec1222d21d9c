//! The times in a token (RFC 7519 section 4.1), judged as `jose` judges them for better-auth: in whole seconds.

use serde::Deserialize;

/// By how much the clock of whoever sealed a cookie cache may be ahead of ours.
const CACHE_TOLERANCE_S: i64 = 15;

/// From when to when a token is good, in seconds since 1970. A token without an end is not one.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Times {
    exp: i64,
    nbf: Option<i64>,
}

impl Times {
    /// Whether the token is good now: before the second of `exp`, and not before `nbf`.
    pub(crate) fn hold(self, now_ms: i64) -> bool {
        let now_s = now_ms.div_euclid(1000);
        self.exp > now_s && self.has_begun(now_s)
    }

    /// The same for a cookie cache that better-auth reads with a tolerance. It then compares the end once more, by
    /// the millisecond, so that only the beginning is tolerant.
    pub(crate) fn hold_for_cache(self, now_ms: i64) -> bool {
        self.exp.saturating_mul(1000) >= now_ms
            && self.has_begun(now_ms.div_euclid(1000).saturating_add(CACHE_TOLERANCE_S))
    }

    /// The last millisecond before the second of `exp`, since 1970.
    pub(crate) fn last_ms(self) -> i64 {
        self.exp.saturating_mul(1000).saturating_sub(1)
    }

    fn has_begun(self, now_s: i64) -> bool {
        self.nbf.is_none_or(|not_before| not_before <= now_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_with_the_second_before_its_end() {
        let times = Times {
            exp: 100,
            nbf: None,
        };
        for (now_ms, strict, for_cache) in [
            (99_999, true, true),
            (100_000, false, true),
            (100_001, false, false),
            (114_999, false, false),
            (i64::MAX, false, false),
            (i64::MIN, true, true),
        ] {
            assert_eq!(times.hold(now_ms), strict, "at {now_ms}");
            assert_eq!(times.hold_for_cache(now_ms), for_cache, "cache at {now_ms}");
        }
        assert_eq!(times.last_ms(), 99_999);
        assert!(times.hold(times.last_ms()));
    }

    #[test]
    fn a_token_is_not_good_before_it_begins() {
        let times = Times {
            exp: 1000,
            nbf: Some(100),
        };
        for (now_ms, strict, for_cache) in [
            (84_999, false, false),
            (85_000, false, true),
            (99_999, false, true),
            (100_000, true, true),
        ] {
            assert_eq!(times.hold(now_ms), strict, "at {now_ms}");
            assert_eq!(times.hold_for_cache(now_ms), for_cache, "cache at {now_ms}");
        }
    }

    #[test]
    fn no_time_makes_it_overflow() {
        for value in [i64::MIN, -1, 0, 1, i64::MAX] {
            for now_ms in [i64::MIN, -1, 0, 1, i64::MAX] {
                let times = Times {
                    exp: value,
                    nbf: Some(value),
                };
                let _ = (
                    times.hold(now_ms),
                    times.hold_for_cache(now_ms),
                    times.last_ms(),
                );
            }
        }
    }

    #[test]
    fn only_whole_numbers_are_times() {
        for json in [
            r#"{}"#,
            r#"{"exp":"100"}"#,
            r#"{"exp":1e2}"#,
            r#"{"exp":null}"#,
            r#"{"exp":100,"nbf":"1"}"#,
            r#"{"exp":100,"exp":200}"#,
            r#"{"exp":9223372036854775808}"#,
        ] {
            assert!(serde_json::from_str::<Times>(json).is_err(), "{json}");
        }
    }
}
