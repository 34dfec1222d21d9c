//! The wire form of a call.

use bytes::Bytes;
use json::RawJson;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use url::Url;

use crate::{GatewayError, Protocol};

/// Returns the address of calls below `base`, which may end in a slash.
pub(crate) fn url(protocol: Protocol, base: Url) -> Result<Url, GatewayError> {
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
    let path: &[&str] = match protocol {
        Protocol::Native => &["language-model"],
        Protocol::OpenAi => &["chat", "completions"],
    };
    let mut url = base;
    url.path_segments_mut()
        .expect("an http URL has a path")
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

/// Returns the headers of every call.
pub(crate) fn headers(
    protocol: Protocol,
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
    let own: &[(&'static str, &'static str)] = match protocol {
        Protocol::Native => &[
            ("ai-gateway-auth-method", "api-key"),
            ("ai-gateway-protocol-version", "0.0.1"),
            ("ai-language-model-specification-version", "4"),
            ("ai-language-model-streaming", "true"),
        ],
        Protocol::OpenAi => &[],
    };
    for (name, value) in own {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    Ok(headers)
}

/// Returns the header that names the model, for a protocol whose body does not.
pub(crate) fn model_header(
    protocol: Protocol,
    id: &str,
) -> Result<Option<(HeaderName, HeaderValue)>, GatewayError> {
    match protocol {
        Protocol::Native => HeaderValue::from_str(id)
            .map(|value| Some((HeaderName::from_static("ai-language-model-id"), value)))
            .map_err(|_| GatewayError::Misconfigured("id of the model must be printable ASCII")),
        Protocol::OpenAi => Ok(None),
    }
}

/// The prompt and the model of a call.
pub(crate) struct Request<'a> {
    pub(crate) model: &'a str,
    /// A JSON array of messages, in the protocol's form.
    pub(crate) prompt: &'a RawJson,
    pub(crate) max_output_tokens: Option<u32>,
}

impl Request<'_> {
    /// Serializes the body of the call.
    pub(crate) fn body(&self, protocol: Protocol) -> Bytes {
        let body = match protocol {
            Protocol::Native => serde_json::to_vec(&NativeBody {
                max_output_tokens: self.max_output_tokens,
                tool_choice: ToolChoice::Auto,
                prompt: self.prompt,
                include_raw_chunks: false,
            }),
            Protocol::OpenAi => serde_json::to_vec(&OpenAiBody {
                model: self.model,
                max_tokens: self.max_output_tokens,
                messages: self.prompt,
                stream: true,
                stream_options: StreamOptions {
                    include_usage: true,
                },
            }),
        };
        body.expect("a body of numbers, words and JSON is JSON")
            .into()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NativeBody<'a> {
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

#[derive(Serialize)]
struct OpenAiBody<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    messages: &'a RawJson,
    stream: bool,
    stream_options: StreamOptions,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_of(protocol: Protocol, base: &str) -> Result<String, String> {
        let url = url(protocol, Url::parse(base).unwrap());
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
            Protocol::OpenAi,
            &SecretString::from("sk-secret\r\nx-evil: 1"),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "API key of the gateway must be printable ASCII"
        );
        assert!(model_header(Protocol::Native, "a/b\r\nx-evil: 1").is_err());
    }

    #[test]
    fn the_key_does_not_show_in_debug_output() {
        let shown = format!(
            "{:?}",
            headers(Protocol::Native, &SecretString::from("sk-secret")).unwrap()
        );
        assert!(
            shown.contains("authorization") && !shown.contains("sk-secret"),
            "{shown}"
        );
    }

    #[test]
    fn the_body_has_the_original_s_keys_in_its_order() {
        let prompt: RawJson = serde_json::from_str(r#"[{"role":"user","content":[]}]"#).unwrap();
        let body = |protocol, max_output_tokens| {
            let body = Request {
                model: "a/\"b\"",
                prompt: &prompt,
                max_output_tokens,
            }
            .body(protocol);
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
