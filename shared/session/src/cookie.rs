//! The signed session cookie in the `Cookie` header, and its cache.

use http::HeaderMap;
use http::header::COOKIE;

use crate::signature::SigningKey;
use crate::{SessionError, SessionToken};

/// The maximum number of cookies in a request. No browser stores more for one site (Chrome 180,
/// Firefox 150), so no browser sends more.
const MAX_COOKIES: usize = 180;

/// Returns the token in the session cookie, if its signature is good.
pub(crate) fn token(
    headers: &HeaderMap,
    name: &str,
    key: &SigningKey,
) -> Result<SessionToken, SessionError> {
    key.verify(value(headers, name)?)
}

/// Returns the cached session as it was sent: in the cookie of this name, or in pieces in `name.0`,
/// `name.1` and so on.
///
/// A repeated piece makes the cache invalid: an attacker who can add a cookie must not be able to
/// choose among several.
pub(crate) fn cached_session(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = parse_pairs(headers).ok()?;
    if let Some(single) = find_first(&cookies, name).filter(|single| !single.is_empty()) {
        return Some(single.to_owned());
    }
    let piece = |&(key, value): &(&str, _)| {
        Some((
            parse_index(key.strip_prefix(name)?.strip_prefix('.')?)?,
            value,
        ))
    };
    let mut pieces: Vec<(u8, &str)> = cookies.iter().filter_map(piece).collect();
    pieces.sort_by_key(|(index, _)| *index);
    let is_repeated = pieces.windows(2).any(|two| two[0].0 == two[1].0);
    if pieces.is_empty() || is_repeated {
        None
    } else {
        Some(pieces.iter().map(|(_, value)| *value).collect())
    }
}

/// Parses the number of a piece. better-auth makes at most 100 pieces and writes their numbers
/// without leading zeros.
fn parse_index(text: &str) -> Option<u8> {
    let is_plain = text == "0" || (!text.starts_with(['0', '+']) && text.len() <= 2);
    if is_plain { text.parse().ok() } else { None }
}

/// Returns the value of the first cookie of exactly this name. Later ones are ignored, even if the
/// first is empty or forged: an attacker who can add a cookie must not be able to choose among
/// several.
fn value<'headers>(
    headers: &'headers HeaderMap,
    name: &str,
) -> Result<&'headers str, SessionError> {
    find_first(&parse_pairs(headers)?, name).ok_or(SessionError::Missing)
}

fn find_first<'headers>(cookies: &[(&str, &'headers str)], name: &str) -> Option<&'headers str> {
    cookies
        .iter()
        .find(|(key, _)| *key == name)
        .map(|&(_, value)| value)
}

/// Parses all cookies, in the order in which they were sent.
fn parse_pairs(headers: &HeaderMap) -> Result<Vec<(&str, &str)>, SessionError> {
    let mut cookies = Vec::new();
    // HTTP/2 may split the header into several (RFC 9113 section 8.2.3); read in order they equal
    // the joined one.
    for header in headers.get_all(COOKIE) {
        let text = std::str::from_utf8(header.as_bytes());
        let text = text.map_err(|_| SessionError::Unreadable("cookies are not UTF-8"))?;
        for (key, value) in text.split(';').filter_map(|part| part.split_once('=')) {
            if cookies.len() == MAX_COOKIES {
                return Err(SessionError::Unreadable(
                    "more cookies than a browser sends",
                ));
            }
            cookies.push((key.trim(), unquote(value.trim())));
        }
    }
    Ok(cookies)
}

/// Removes the quotes of a value as better-auth does: if the first character is a quote, the last
/// character is removed whatever it is.
fn unquote(value: &str) -> &str {
    match value.strip_prefix('"') {
        Some(rest) => rest
            .char_indices()
            .next_back()
            .map_or("", |(last, _)| &rest[..last]),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |bytes: &&[u8]| {
            (
                COOKIE,
                HeaderValue::from_bytes(bytes).expect("a header value"),
            )
        };
        values.iter().map(value).collect()
    }

    #[test]
    fn the_first_cookie_of_the_exact_name_counts() {
        for (name, sent, expected) in [
            ("none", vec![], Err(SessionError::Missing)),
            (
                "another",
                vec!["sid2=a; xsid=b; SID=c; sid"],
                Err(SessionError::Missing),
            ),
            ("among others", vec!["a=1; sid=x; b=2"], Ok("x")),
            ("no blank between", vec!["a=1;sid=x;b=2"], Ok("x")),
            ("first is empty", vec!["sid=; sid=x"], Ok("")),
            ("several headers", vec!["a=1", "sid=x", "sid=y"], Ok("x")),
            ("equals sign in the value", vec!["sid=x=y="], Ok("x=y=")),
            (
                "part without equals sign before",
                vec!["junk; sid=x"],
                Ok("x"),
            ),
            ("tabs", vec!["\tsid\t=\tx\t"], Ok("x")),
            ("quoted", vec!["sid=\"x\""], Ok("x")),
            ("half quoted", vec!["sid=\"xy"], Ok("x")),
            ("one quote", vec!["sid=\""], Ok("")),
            ("quoted, not ASCII", vec!["sid=\"xé"], Ok("x")),
        ] {
            let sent: Vec<_> = sent.iter().map(|text| text.as_bytes()).collect();
            assert_eq!(value(&headers(&sent), "sid"), expected, "{name}");
        }
    }

    #[test]
    fn a_cached_session_is_one_cookie_or_joined_from_its_pieces() {
        for (name, sent, expected) in [
            ("none", "sid=x", None),
            ("one cookie", "data=x", Some("x")),
            ("one cookie, repeated", "data=x; data=y", Some("x")),
            ("one cookie and pieces", "data.0=y; data=x", Some("x")),
            ("empty and pieces", "data=; data.0=y", Some("y")),
            ("empty", "data=", None),
            ("pieces", "data.0=x; data.1=y", Some("xy")),
            (
                "pieces in another order",
                "data.1=y; a=1; data.0=x",
                Some("xy"),
            ),
            (
                "ten comes after nine",
                "data.10=c; data.9=b; data.0=a",
                Some("abc"),
            ),
            ("last possible piece", "data.99=x", Some("x")),
            ("piece twice", "data.0=x; data.1=y; data.1=z", None),
            ("leading zero", "data.00=x; data.01=y", None),
            ("sign", "data.+1=x; data.-1=y", None),
            ("beyond the last", "data.100=x; data.256=y", None),
            (
                "no number",
                "data.=x; data.a=y; data.0x=z; data.0.0=w; data0=v",
                None,
            ),
            ("another's pieces", "xdata.0=x; Data.0=y", None),
        ] {
            assert_eq!(
                cached_session(&headers(&[sent.as_bytes()]), "data").as_deref(),
                expected,
                "{name}"
            );
        }
        assert_eq!(
            cached_session(&headers(&[b"data=\xff"]), "data"),
            None,
            "not UTF-8"
        );
    }

    #[test]
    fn a_header_that_no_browser_sends_is_refused() {
        let pairs = |count: usize| {
            (0..count)
                .map(|index| format!("; c{index}=1"))
                .collect::<String>()
        };
        assert_eq!(
            value(
                &headers(&[format!("sid=x{}", pairs(179)).as_bytes()]),
                "sid"
            ),
            Ok("x")
        );

        let too_many = format!("sid=x{}", pairs(199));
        for (name, sent) in [
            ("200 cookies", vec![too_many.as_bytes()]),
            ("not UTF-8", vec![b"sid=\xff".as_slice()]),
            ("not UTF-8 elsewhere", vec![b"sid=x; a=\xe9".as_slice()]),
            (
                "not UTF-8 in another header",
                vec![b"sid=x".as_slice(), b"a=\xe9".as_slice()],
            ),
        ] {
            assert!(
                matches!(
                    value(&headers(&sent), "sid"),
                    Err(SessionError::Unreadable(_))
                ),
                "{name}"
            );
        }
    }
}
