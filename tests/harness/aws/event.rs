//! The conversion of HTTP requests to Function URL events (payload format 2.0), and of streamed
//! responses to HTTP.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, header, request};
use serde_json::{Map, Value, json};

/// Makes the event for a request with the body in base64, even though it is text.
pub(super) fn base64_event(parts: &request::Parts, body: &[u8]) -> Value {
    let mut event = event(parts, &[]);
    event["isBase64Encoded"] = true.into();
    event["body"] = STANDARD.encode(body).into();
    event
}

/// Returns the event for a request.
pub(super) fn event(parts: &request::Parts, body: &[u8]) -> Value {
    let mut headers = Map::new();
    for name in parts.headers.keys().filter(|name| **name != header::COOKIE) {
        headers.insert(
            name.to_string(),
            join_values(&parts.headers, name, ",").into(),
        );
    }
    let mut cookies: Vec<String> = Vec::new();
    if parts.headers.contains_key(header::COOKIE) {
        let joined = join_values(&parts.headers, &header::COOKIE, "; ");
        cookies = joined.split("; ").map(str::to_owned).collect();
        headers.insert("cookie".to_owned(), joined.into());
    }
    let path = parts.uri.path();
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(), "headers": headers,
        "requestContext": {
            "accountId": "anonymous", "apiId": "acceptance", "domainName": "acceptance.lambda-url.us-east-1.on.aws",
            "domainPrefix": "acceptance", "requestId": "e1506fd5-9e7b-434f-bd42-4f8fa224b599", "routeKey": "$default",
            "stage": "$default", "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1_773_342_238_000_u64,
            "http": {"method": parts.method.as_str(), "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                     "userAgent": "acceptance"},
        },
        "isBase64Encoded": true,
    });
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    match std::str::from_utf8(body) {
        _ if body.is_empty() => event["isBase64Encoded"] = false.into(),
        Ok(text) => {
            event["isBase64Encoded"] = false.into();
            event["body"] = text.into();
        }
        Err(_) => event["body"] = STANDARD.encode(body).into(),
    }
    event
}

fn join_values(headers: &HeaderMap, name: &header::HeaderName, between: &str) -> String {
    let values = headers
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .map(String::from_utf8_lossy);
    values.collect::<Vec<_>>().join(between)
}

/// A decoder that separates the prelude from the body of a streamed response, wherever the bytes
/// are cut.
#[derive(Debug, Default)]
pub(super) struct Prelude {
    buffer: BytesMut,
    is_complete: bool,
}

const SEPARATOR: [u8; 8] = [0; 8];

impl Prelude {
    /// Takes more bytes; returns the prelude once it is complete, and the bytes that belong to the
    /// body.
    pub(super) fn push(&mut self, bytes: &Bytes) -> Result<(Option<Value>, Bytes)> {
        if self.is_complete {
            return Ok((None, bytes.clone()));
        }
        self.buffer.extend_from_slice(bytes);
        let Some(end) = self
            .buffer
            .windows(SEPARATOR.len())
            .position(|window| window == SEPARATOR)
        else {
            return Ok((None, Bytes::new()));
        };
        let prelude =
            serde_json::from_slice(&self.buffer.split_to(end)).context("the prelude is no JSON")?;
        self.is_complete = true;
        Ok((
            Some(prelude),
            self.buffer.split().freeze().slice(SEPARATOR.len()..),
        ))
    }
}

/// Returns the HTTP response head that a prelude describes.
pub(super) fn head(prelude: &Value) -> Result<Response<()>> {
    let status = prelude["statusCode"]
        .as_u64()
        .context("the prelude has no status")?;
    let mut answer = Response::builder().status(u16::try_from(status)?);
    for (name, value) in prelude["headers"].as_object().into_iter().flatten() {
        answer = answer.header(name, value.as_str().context("a header that is no string")?);
    }
    for cookie in prelude["cookies"].as_array().into_iter().flatten() {
        answer = answer.header(
            header::SET_COOKIE,
            cookie.as_str().context("a cookie that is no string")?,
        );
    }
    Ok(answer.body(())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prelude_is_found_wherever_the_bytes_were_cut() {
        let wire = b"{\"statusCode\":200}\0\0\0\0\0\0\0\0data";
        for cut in 0..wire.len() {
            let mut prelude = Prelude::default();
            let (first, second) = (
                Bytes::from_static(&wire[..cut]),
                Bytes::from_static(&wire[cut..]),
            );
            let (one, two) = (
                prelude.push(&first).unwrap(),
                prelude.push(&second).unwrap(),
            );
            let found = one.0.or(two.0).unwrap();
            assert_eq!(found["statusCode"], 200, "cut at {cut}");
            assert_eq!([one.1, two.1].concat(), b"data", "cut at {cut}");
        }
    }

    #[test]
    fn an_event_carries_cookies_twice_and_other_bytes_as_base64() {
        let request = http::Request::post("http://x/api/chat?a=b")
            .header("cookie", "a=1; b=2")
            .body(())
            .unwrap();
        let (parts, ()) = request.into_parts();
        let text = event(&parts, b"{}");
        assert_eq!(text["cookies"], json!(["a=1", "b=2"]));
        assert_eq!(text["headers"]["cookie"], "a=1; b=2");
        assert_eq!(
            (&text["rawPath"], &text["rawQueryString"]),
            (&json!("/api/chat"), &json!("a=b"))
        );
        assert_eq!(
            (&text["body"], &text["isBase64Encoded"]),
            (&json!("{}"), &json!(false))
        );
        let bytes = event(&parts, &[0xff]);
        assert_eq!(
            (&bytes["body"], &bytes["isBase64Encoded"]),
            (&json!("/w=="), &json!(true))
        );
        let encoded = base64_event(&parts, b"{}");
        assert_eq!(
            (&encoded["body"], &encoded["isBase64Encoded"]),
            (&json!("e30="), &json!(true))
        );
    }
}
