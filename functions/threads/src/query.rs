//! Query parameters and path parameters: limits, cursors and thread ids.
//!
//! A cursor is sent as opaque text and accepted unchanged.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use json::Invalid;
use message::ThreadId;
use url::form_urlencoded;

use crate::error::ApiError;

/// The largest page.
pub(crate) const MAX_PAGE_SIZE: usize = 100;

/// The query parameters of a request. The first of two with the same name counts; unknown ones are
/// ignored.
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Parses the part of the URL after the question mark, if there is one.
    pub(crate) fn parse(query: Option<&str>) -> Self {
        let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// Returns the value of `name`, if it is not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Returns the page size, from 1 to [`MAX_PAGE_SIZE`].
    pub(crate) fn limit(&self, default: usize) -> Result<usize, Invalid> {
        let Some(text) = self.text("limit") else {
            return Ok(default);
        };
        let limit = text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_PAGE_SIZE).contains(limit));
        limit.ok_or_else(|| {
            Invalid::new(
                "limit",
                format!("must be a whole number from 1 to {MAX_PAGE_SIZE}"),
            )
        })
    }

    /// Returns the cursor of an earlier response, parsed by `parse`.
    pub(crate) fn cursor<T>(
        &self,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        let Some(text) = self.text("cursor") else {
            return Ok(None);
        };
        let cursor = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let cursor = cursor.and_then(|cursor| parse(&cursor));
        cursor
            .map(Some)
            .ok_or_else(|| Invalid::new("cursor", "must be a nextCursor of this address"))
    }
}

/// Encodes a cursor as opaque text.
pub(crate) fn encode_cursor(cursor: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(cursor)
}

/// A path parameter, which may be invalid UTF-8.
pub(crate) type PathPart = Result<Path<String>, PathRejection>;

/// Parses a thread id. An invalid one gives the same error as an unknown thread.
pub(crate) fn thread_id(part: PathPart) -> Result<ThreadId, ApiError> {
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
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let read = |query: &str| {
            Query::parse(Some(query)).cursor(|text| text.strip_prefix('M').map(str::to_owned))
        };
        assert_eq!(
            read(&format!("cursor={}", encode_cursor("M#ä/+")))
                .unwrap()
                .as_deref(),
            Some("#ä/+")
        );
        assert_eq!(read("").unwrap(), None);
        for (name, cursor) in [
            ("another list's", encode_cursor("T#x")),
            ("no base64", "!".to_owned()),
            ("no UTF-8", BASE64_URL_SAFE_NO_PAD.encode([0xff])),
        ] {
            let error = read(&format!("cursor={cursor}")).unwrap_err();
            assert_eq!(error.field, "cursor", "{name}");
        }
    }
}
