//! The body of a request, bounded in size and in time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::FrontError;

/// The timeout for receiving a body over plain HTTP. On Lambda it is complete at the start.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads `body` completely, up to `limit` bytes.
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes, FrontError> {
    let collect = tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, limit).collect());
    match collect.await.map_err(|_| FrontError::RequestTimeout)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(FrontError::TooLarge { limit }),
        Err(_) => Err(FrontError::IncompleteBody),
    }
}

/// Returns whether the headers declare the body as JSON without compression. Browsers send such a
/// request to another site only after a CORS preflight.
pub fn is_uncompressed_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|value| value != "identity");
    essence.eq_ignore_ascii_case("application/json") && !is_encoded
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[tokio::test]
    async fn a_body_may_be_as_long_as_allowed_and_no_longer() {
        let read = read_body(Body::from("four"), 4).await.unwrap();
        assert_eq!(read, b"four"[..]);
        let refused = read_body(Body::from("fours"), 4).await;
        assert!(
            matches!(refused, Err(FrontError::TooLarge { limit: 4 })),
            "{refused:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let (_sender, never) = http_body_util::Channel::<Bytes>::new(1);
        let refused = read_body(Body::new(never), 4).await;
        assert!(
            matches!(refused, Err(FrontError::RequestTimeout)),
            "{refused:?}"
        );
    }

    #[test]
    fn only_plain_json_is_json() {
        for (name, content_type, encoding, expected) in [
            ("plain", "application/json", None, true),
            (
                "with a charset",
                "Application/JSON; charset=utf-8",
                Some("identity"),
                true,
            ),
            ("text", "text/plain", None, false),
            (
                "in a parameter",
                "text/plain; a=application/json",
                None,
                false,
            ),
            ("compressed", "application/json", Some("gzip"), false),
        ] {
            let mut headers =
                HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
            headers.extend(
                encoding.map(|value| (header::CONTENT_ENCODING, HeaderValue::from_static(value))),
            );
            assert_eq!(is_uncompressed_json(&headers), expected, "{name}");
        }
        assert!(!is_uncompressed_json(&HeaderMap::new()), "absent");
    }
}
