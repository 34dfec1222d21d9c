//! What a call of the native protocol looks like on the wire.

use bytes::Bytes;
use message::RawJson;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use crate::GatewayError;

/// The address of calls below `base`, which may end in a slash or not.
pub(crate) fn language_model_url(base: Url) -> Result<Url, GatewayError> {
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
    url.path_segments_mut().expect("an http URL has a path").pop_if_empty().push("language-model");
    Ok(url)
}

/// The headers of every call.
pub(crate) fn headers(api_key: &SecretString) -> Result<HeaderMap, GatewayError> {
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", api_key.expose_secret()))
        .map_err(|_| GatewayError::Misconfigured("API key of the gateway must be printable ASCII"))?;
    bearer.set_sensitive(true);

    let mut headers = HeaderMap::with_capacity(12);
    headers.insert(AUTHORIZATION, bearer);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // A compressor on the way would hold small parts back until it has enough of them.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let agent = concat!("sidekiq-chat/", env!("CARGO_PKG_VERSION"));
    headers.insert(USER_AGENT, HeaderValue::from_static(agent));
    for (name, value) in [
        ("ai-gateway-auth-method", "api-key"),
        ("ai-gateway-protocol-version", "0.0.1"),
        ("ai-language-model-specification-version", "4"),
        ("ai-language-model-streaming", "true"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(headers)
}

/// The header that names the model; the body does not.
pub(crate) fn model_id(id: &str) -> Result<HeaderValue, GatewayError> {
    HeaderValue::from_str(id)
        .map_err(|_| GatewayError::Misconfigured("id of the model must be printable ASCII"))
}

/// The body of a call; `prompt` is a JSON array of messages.
pub(crate) fn body(prompt: &RawJson, max_output_tokens: Option<u32>) -> Bytes {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        max_output_tokens: Option<u32>,
        tool_choice: ToolChoice,
        prompt: &'a RawJson,
        include_raw_chunks: bool,
    }

    #[derive(Serialize)]
    #[serde(tag = "type", rename_all = "camelCase")]
    enum ToolChoice {
        Auto,
    }

    let body = Body { max_output_tokens, tool_choice: ToolChoice::Auto, prompt, include_raw_chunks: false };
    serde_json::to_vec(&body).expect("a body of numbers, words and JSON is JSON").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str) -> Result<String, String> {
        let url = language_model_url(Url::parse(base).unwrap());
        url.map(String::from).map_err(|error| error.to_string())
    }

    #[test]
    fn a_slash_at_the_end_of_the_base_makes_no_difference() {
        for base in ["https://ai-gateway.vercel.sh/v4/ai", "https://ai-gateway.vercel.sh/v4/ai/"] {
            assert_eq!(url(base).unwrap(), "https://ai-gateway.vercel.sh/v4/ai/language-model");
        }
        for base in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"] {
            assert_eq!(url(base).unwrap(), "http://127.0.0.1:8080/language-model");
        }
    }

    #[test]
    fn a_base_that_cannot_be_called_is_refused() {
        for base in
            ["ftp://example.com/", "mailto:a@example.com", "unix:/run/x", "https://user:pw@example.com/"]
        {
            let error = url(base).unwrap_err();
            assert!(error.starts_with("base URL of the gateway must "), "{base}: {error}");
            assert!(!error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn a_key_cannot_smuggle_a_header() {
        let error = headers(&SecretString::from("sk-secret\r\nx-evil: 1")).unwrap_err();
        assert_eq!(error.to_string(), "API key of the gateway must be printable ASCII");
        assert!(model_id("a/b\r\nx-evil: 1").is_err());
    }

    #[test]
    fn the_key_does_not_show_in_debug_output() {
        let shown = format!("{:?}", headers(&SecretString::from("sk-secret")).unwrap());
        assert!(shown.contains("authorization") && !shown.contains("sk-secret"), "{shown}");
    }

    #[test]
    fn the_body_has_the_original_s_keys_in_its_order() {
        let prompt: RawJson = serde_json::from_str(r#"[{"role":"user","content":[]}]"#).unwrap();
        assert_eq!(
            body(&prompt, None),
            r#"{"toolChoice":{"type":"auto"},"prompt":[{"role":"user","content":[]}],"includeRawChunks":false}"#
        );
        assert!(body(&prompt, Some(100)).starts_with(br#"{"maxOutputTokens":100,"toolChoice":"#));
    }
}
