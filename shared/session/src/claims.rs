//! The validity period of a token (RFC 7519 section 4.1), checked as `jose` does it for
//! better-auth: in full seconds.

use serde::Deserialize;

/// The maximum lead of the clock that sealed a cookie cache over the local clock, in seconds.
const CACHE_TOLERANCE_S: i64 = 15;

/// The period in which a token is valid, in seconds since 1970. A token without an end is not one.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Validity {
    exp: i64,
    nbf: Option<i64>,
}

impl Validity {
    /// Returns true if the token is valid at `now_ms`: before the second of `exp`, and not before
    /// `nbf`.
    pub(crate) fn is_valid_at(self, now_ms: i64) -> bool {
        let now_s = now_ms.div_euclid(1000);
        self.exp > now_s && self.has_begun(now_s)
    }

    /// Returns true if a cookie cache is valid at `now_ms`. better-auth reads it with a tolerance
    /// and then compares the end once more, by the millisecond, so that the tolerance applies only
    /// to the beginning.
    pub(crate) fn is_valid_for_cache_at(self, now_ms: i64) -> bool {
        self.exp.saturating_mul(1000) >= now_ms
            && self.has_begun(now_ms.div_euclid(1000).saturating_add(CACHE_TOLERANCE_S))
    }

    /// Returns the last millisecond before the second of `exp`, since 1970.
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
        let validity = Validity {
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
            assert_eq!(validity.is_valid_at(now_ms), strict, "at {now_ms}");
            assert_eq!(
                validity.is_valid_for_cache_at(now_ms),
                for_cache,
                "cache at {now_ms}"
            );
        }
        assert_eq!(validity.last_ms(), 99_999);
        assert!(validity.is_valid_at(validity.last_ms()));
    }

    #[test]
    fn a_token_is_not_valid_before_it_begins() {
        let validity = Validity {
            exp: 1000,
            nbf: Some(100),
        };
        for (now_ms, strict, for_cache) in [
            (84_999, false, false),
            (85_000, false, true),
            (99_999, false, true),
            (100_000, true, true),
        ] {
            assert_eq!(validity.is_valid_at(now_ms), strict, "at {now_ms}");
            assert_eq!(
                validity.is_valid_for_cache_at(now_ms),
                for_cache,
                "cache at {now_ms}"
            );
        }
    }

    #[test]
    fn extreme_times_do_not_overflow() {
        for value in [i64::MIN, -1, 0, 1, i64::MAX] {
            for now_ms in [i64::MIN, -1, 0, 1, i64::MAX] {
                let validity = Validity {
                    exp: value,
                    nbf: Some(value),
                };
                let _ = (
                    validity.is_valid_at(now_ms),
                    validity.is_valid_for_cache_at(now_ms),
                    validity.last_ms(),
                );
            }
        }
    }

    #[test]
    fn only_integers_are_times() {
        for json in [
            r#"{}"#,
            r#"{"exp":"100"}"#,
            r#"{"exp":1e2}"#,
            r#"{"exp":null}"#,
            r#"{"exp":100,"nbf":"1"}"#,
            r#"{"exp":100,"exp":200}"#,
            r#"{"exp":9223372036854775808}"#,
        ] {
            assert!(serde_json::from_str::<Validity>(json).is_err(), "{json}");
        }
    }
}
