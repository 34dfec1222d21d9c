//! What an address says beside its path: limits and places in a list.
//!
//! A place is handed out as text that says nothing to a page, and comes back as it was.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use message::{Invalid, ThreadId};
use url::form_urlencoded;

use crate::error::ApiError;

/// The most of anything that is handed out at once.
pub(crate) const MOST: usize = 100;

/// The parameters of a request. Of one that stands twice the first counts; others than those asked for are ignored.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what stands behind the question mark, if anything does.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The value of `name`, if it has one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// How much to hand out at most, from 1 to [`MOST`].
    pub(crate) fn limit(&self, default: usize) -> Result<usize, Invalid> {
        let Some(text) = self.text("limit") else {
            return Ok(default);
        };
        let limit = text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
        limit.ok_or_else(|| {
            Invalid::new("limit", format!("must be a whole number from 1 to {MOST}"))
        })
    }

    /// The place that an earlier answer has named, read by `parse`.
    pub(crate) fn cursor<T>(
        &self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text("cursor") else {
            return Ok(None);
        };
        let place = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let place = place.and_then(|place| parse(&place));
        place
            .map(Some)
            .ok_or_else(|| Invalid::new("cursor", "must be a nextCursor of this address"))
    }
}

/// A place as a page sees it.
pub(crate) fn opaque(place: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(place)
}

/// A part of an address, which need not be text.
pub(crate) type AddressPart = Result<Path<String>, PathRejection>;

/// The thread in an address. What cannot be one is no thread.
pub(crate) fn thread_id(part: AddressPart) -> Result<ThreadId, ApiError> {
    let Ok(Path(text)) = part else {
        return Err(ApiError::NoThread);
    };
    ThreadId::parse(&text).map_err(|_| ApiError::NoThread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_within_bounds() {
        for (query, expected) in [
            ("", Some(30)),
            ("limit=", Some(30)),
            ("limit=1", Some(1)),
            ("other=x&limit=100", Some(100)),
            ("limit=7&limit=x", Some(7)),
            ("limit=0", None),
            ("limit=101", None),
            ("limit=-1", None),
            ("limit=1e1", None),
            ("limit=%20", None),
            ("limit=99999999999999999999", None),
        ] {
            assert_eq!(
                Query::parse(Some(query)).limit(30).ok(),
                expected,
                "{query:?}"
            );
        }
        let error = Query::parse(Some("limit=all")).limit(30).unwrap_err();
        assert_eq!(
            error.to_string(),
            "limit: must be a whole number from 1 to 100"
        );
    }

    #[test]
    fn a_place_comes_back_as_it_was_and_nothing_else_is_one() {
        let read = |query: &str| {
            Query::parse(Some(query)).cursor(|text| text.strip_prefix('M').map(str::to_owned))
        };
        assert_eq!(
            read(&format!("cursor={}", opaque("M#ä/+")))
                .unwrap()
                .as_deref(),
            Some("#ä/+")
        );
        assert_eq!(read("").unwrap(), None);
        for (name, cursor) in [
            ("another list's", opaque("T#x")),
            ("no base64", "!".to_owned()),
            ("no UTF-8", BASE64_URL_SAFE_NO_PAD.encode([0xff])),
        ] {
            let error = read(&format!("cursor={cursor}")).unwrap_err();
            assert_eq!(error.field, "cursor", "{name}");
        }
    }
}
