//! Address and headers of a call.

use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT,
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::adapter::Adapter;
use crate::error::GatewayError;

/// Returns the address of calls below `base`, which may end in a slash.
pub(crate) fn url(adapter: &dyn Adapter, base: Url) -> Result<Url, GatewayError> {
    if !matches!(base.scheme(), "http" | "https") {
        return Err(GatewayError::Misconfigured(
            "base URL of the gateway must begin with http:// or https://",
        ));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(GatewayError::Misconfigured(
            "base URL of the gateway must not hold a user name or password",
        ));
    }
    let mut url = base;
    url.path_segments_mut()
        .expect("an http URL has a path")
        .pop_if_empty()
        .extend(adapter.path());
    Ok(url)
}

/// Returns the headers of every call.
pub(crate) fn headers(
    adapter: &dyn Adapter,
    api_key: &SecretString,
) -> Result<HeaderMap, GatewayError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", api_key.expose_secret()))
        .map_err(|_| {
            GatewayError::Misconfigured("API key of the gateway must be printable ASCII")
        })?;
    bearer.set_sensitive(true);

    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // A compressor on the way would hold small parts back until it has enough of them.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let agent = concat!("sidekiq-chat/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in adapter.headers() {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use json::RawJson;

    use super::*;
    use crate::adapter::Request;
    use crate::protocol::Protocol;

    fn url_of(protocol: Protocol, base: &str) -> Result<String, String> {
        let url = url(protocol.adapter(), Url::parse(base).unwrap());
        url.map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn a_slash_at_the_end_of_the_base_makes_no_difference() {
        use Protocol::{Native, OpenAi};
        for (protocol, base, expected) in [
            (
                Native,
                "https://ai-gateway.vercel.sh/v4/ai",
                "https://ai-gateway.vercel.sh/v4/ai/language-model",
            ),
            (
                Native,
                "http://127.0.0.1:8080",
                "http://127.0.0.1:8080/language-model",
            ),
            (
                OpenAi,
                "https://ai-gateway.vercel.sh/v1",
                "https://ai-gateway.vercel.sh/v1/chat/completions",
            ),
            (
                OpenAi,
                "http://127.0.0.1:11434",
                "http://127.0.0.1:11434/chat/completions",
            ),
            (
                OpenAi,
                "http://proxy/v1?api-version=1",
                "http://proxy/v1/chat/completions?api-version=1",
            ),
        ] {
            let slash = base.replacen('?', "/?", 1);
            let slash = if slash == base {
                format!("{base}/")
            } else {
                slash
            };
            for base in [base, &slash] {
                assert_eq!(url_of(protocol, base).as_deref(), Ok(expected), "{base}");
            }
        }
    }

    #[test]
    fn a_base_that_cannot_be_called_is_refused() {
        for base in [
            "ftp://example.com/",
            "mailto:a@example.com",
            "unix:/run/x",
            "https://user:pw@example.com/",
        ] {
            let error = url_of(Protocol::OpenAi, base).unwrap_err();
            assert!(
                error.starts_with("base URL of the gateway must "),
                "{base}: {error}"
            );
            assert!(!error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn a_key_cannot_smuggle_a_header() {
        let error = headers(
            Protocol::OpenAi.adapter(),
            &SecretString::from("sk-secret\r\nx-evil: 1"),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "API key of the gateway must be printable ASCII"
        );
        assert!(
            Protocol::Native
                .adapter()
                .model_header("a/b\r\nx-evil: 1")
                .is_err()
        );
    }

    #[test]
    fn the_key_does_not_show_in_debug_output() {
        let shown = format!(
            "{:?}",
            headers(Protocol::Native.adapter(), &SecretString::from("sk-secret")).unwrap()
        );
        assert!(
            shown.contains("authorization") && !shown.contains("sk-secret"),
            "{shown}"
        );
    }

    #[test]
    fn the_body_has_the_original_s_keys_in_its_order() {
        let prompt: RawJson = serde_json::from_str(r#"[{"role":"user","content":[]}]"#).unwrap();
        let body = |protocol: Protocol, max_output_tokens| {
            let body = protocol.adapter().body(&Request {
                model: "a/\"b\"",
                prompt: &prompt,
                max_output_tokens,
            });
            String::from_utf8(body.to_vec()).unwrap()
        };
        for (protocol, max_output_tokens, expected) in [
            (
                Protocol::Native,
                None,
                r#"{"toolChoice":{"type":"auto"},"prompt":[{"role":"user","content":[]}],"includeRawChunks":false}"#,
            ),
            (
                Protocol::Native,
                Some(100),
                r#"{"maxOutputTokens":100,"toolChoice":{"type":"auto"},"prompt":[{"role":"user","content":[]}],"includeRawChunks":false}"#,
            ),
            (
                Protocol::OpenAi,
                None,
                r#"{"model":"a/\"b\"","messages":[{"role":"user","content":[]}],"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
            (
                Protocol::OpenAi,
                Some(100),
                r#"{"model":"a/\"b\"","max_tokens":100,"messages":[{"role":"user","content":[]}],"stream":true,"stream_options":{"include_usage":true}}"#,
            ),
        ] {
            assert_eq!(
                body(protocol, max_output_tokens),
                expected,
                "{protocol:?} {max_output_tokens:?}"
            );
        }
    }
}
