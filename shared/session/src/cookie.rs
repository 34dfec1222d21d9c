//! The signed session cookie in the `Cookie` header.

use http::HeaderMap;
use http::header::COOKIE;

use crate::signature::SigningKey;
use crate::{SessionError, SessionToken};

/// No browser keeps more for one site (Chrome 180, Firefox 150), so no browser sends more.
const COOKIES_MAX: usize = 180;

/// The token in the session cookie, if its signature is good.
pub(crate) fn token(headers: &HeaderMap, name: &str, key: &SigningKey) -> Result<SessionToken, SessionError> {
    key.open(value(headers, name)?)
}

/// The value of the first cookie of exactly this name. A later one is never looked at, even if the first is
/// empty or forged: whoever can add a cookie must not be able to choose among several.
fn value<'headers>(headers: &'headers HeaderMap, name: &str) -> Result<&'headers str, SessionError> {
    let mut found = None;
    let mut count = 0;
    // HTTP/2 may split the header in several (RFC 9113 section 8.2.3); read in turn they are the joined one.
    for header in headers.get_all(COOKIE) {
        let text = std::str::from_utf8(header.as_bytes());
        let text = text.map_err(|_| SessionError::Unreadable("cookies are not UTF-8"))?;
        for (key, value) in text.split(';').filter_map(|part| part.split_once('=')) {
            count += 1;
            if found.is_none() && key.trim() == name {
                found = Some(unquote(value.trim()));
            }
        }
    }
    if count > COOKIES_MAX {
        return Err(SessionError::Unreadable("more cookies than a browser sends"));
    }
    found.ok_or(SessionError::Missing)
}

/// As better-auth does it: the first character decides, the last one goes whatever it is.
fn unquote(value: &str) -> &str {
    match value.strip_prefix('"') {
        Some(rest) => rest.char_indices().next_back().map_or("", |(last, _)| &rest[..last]),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |bytes: &&[u8]| (COOKIE, HeaderValue::from_bytes(bytes).expect("a header value"));
        values.iter().map(value).collect()
    }

    #[test]
    fn the_first_cookie_of_the_exact_name_counts() {
        for (name, sent, expected) in [
            ("none", vec![], Err(SessionError::Missing)),
            ("another", vec!["sid2=a; xsid=b; SID=c; sid"], Err(SessionError::Missing)),
            ("among others", vec!["a=1; sid=x; b=2"], Ok("x")),
            ("no blank between", vec!["a=1;sid=x;b=2"], Ok("x")),
            ("first is empty", vec!["sid=; sid=x"], Ok("")),
            ("several headers", vec!["a=1", "sid=x", "sid=y"], Ok("x")),
            ("equals sign in the value", vec!["sid=x=y="], Ok("x=y=")),
            ("part without equals sign before", vec!["junk; sid=x"], Ok("x")),
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
    fn a_header_that_no_browser_sends_is_refused() {
        let pairs = |count: usize| (0..count).map(|index| format!("; c{index}=1")).collect::<String>();
        assert_eq!(value(&headers(&[format!("sid=x{}", pairs(179)).as_bytes()]), "sid"), Ok("x"));

        let too_many = format!("sid=x{}", pairs(199));
        for (name, sent) in [
            ("200 cookies", vec![too_many.as_bytes()]),
            ("not UTF-8", vec![b"sid=\xff".as_slice()]),
            ("not UTF-8 elsewhere", vec![b"sid=x; a=\xe9".as_slice()]),
            ("not UTF-8 in another header", vec![b"sid=x".as_slice(), b"a=\xe9".as_slice()]),
        ] {
            assert!(matches!(value(&headers(&sent), "sid"), Err(SessionError::Unreadable(_))), "{name}");
        }
    }
}
