//! The check of the page that sends a request with the user's cookie.
//!
//! A browser adds cookies to any request that another site makes it send. The `Origin` header
//! identifies such a request.

use http::{HeaderMap, HeaderValue, header};
use url::{Origin, Url};

/// The reason why a page may not use the cookie.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The request does not name its origin.
    #[error("the request has neither origin nor referer")]
    NoOrigin,
    /// The request comes from a page that is not allowed.
    #[error("origin {0:?} is not one of the allowed origins")]
    OtherOrigin(String),
    /// The browser reports that the request comes from another site.
    #[error("sec-fetch-site is {0:?}")]
    OtherSite(String),
}

/// The origins whose pages may use the cookie.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllowedOrigins(Vec<Origin>);

impl AllowedOrigins {
    /// Creates the list from the origins of `urls`. Their paths are ignored.
    pub(crate) fn new<'a>(urls: impl IntoIterator<Item = &'a Url>) -> Self {
        Self(urls.into_iter().map(Url::origin).collect())
    }

    /// Refuses a request with a cookie that comes from any other page.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), AccessError> {
        let text = |name| {
            headers
                .get(name)
                .map(|value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()))
        };
        let site = text(header::HeaderName::from_static("sec-fetch-site"));
        let Some(page) = text(header::ORIGIN).or_else(|| text(header::REFERER)) else {
            // A same-origin GET names neither if the page's referrer policy forbids it. Only
            // browsers can set sec-fetch-site.
            return if site.as_deref() == Some("same-origin") {
                Ok(())
            } else {
                Err(AccessError::NoOrigin)
            };
        };
        let allowed = Url::parse(&page).is_ok_and(|url| self.0.contains(&url.origin()));
        if !allowed {
            return Err(AccessError::OtherOrigin(page.chars().take(256).collect()));
        }
        match site {
            Some(site) if site != "same-origin" && site != "same-site" => {
                Err(AccessError::OtherSite(site.chars().take(256).collect()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)]) -> bool {
        let url = Url::parse("https://app.example.com").unwrap();
        let headers = headers
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        AllowedOrigins::new([&url])
            .check(&headers.collect())
            .is_ok()
    }

    #[test]
    fn only_the_listed_origin_may_use_the_cookie() {
        for (origin, allowed) in [
            ("https://app.example.com", true),
            ("https://APP.example.com:443", true),
            ("https://evil.example", false),
            ("https://app.example.com.evil.example", false),
            ("http://app.example.com", false),
            ("https://app.example.com:8443", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(check(&[("origin", origin)]), allowed, "{origin:?}");
        }
    }

    #[test]
    fn the_referer_counts_only_without_an_origin() {
        assert!(check(&[("referer", "https://app.example.com/chat/1?x=y")]));
        assert!(!check(&[
            ("origin", "null"),
            ("referer", "https://app.example.com/")
        ]));
        assert!(!check(&[]));
    }

    #[test]
    fn a_page_that_hides_where_it_is_may_still_call_its_own_origin() {
        for (site, allowed) in [
            ("same-origin", true),
            ("same-site", false),
            ("cross-site", false),
            ("none", false),
        ] {
            assert_eq!(check(&[("sec-fetch-site", site)]), allowed, "{site}");
        }
        assert!(
            !check(&[("origin", "null"), ("sec-fetch-site", "same-origin")]),
            "an origin that is none"
        );
    }

    #[test]
    fn the_browser_itself_must_not_call_it_another_site() {
        for (site, allowed) in [
            ("same-origin", true),
            ("same-site", true),
            ("cross-site", false),
            ("none", false),
        ] {
            assert_eq!(
                check(&[
                    ("origin", "https://app.example.com"),
                    ("sec-fetch-site", site)
                ]),
                allowed,
                "{site}"
            );
        }
    }
}
