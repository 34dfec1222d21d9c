//! The AI Gateway's own protocol, that of `@ai-sdk/gateway`.
//!
//! Its prompts and parts are the AI SDK's own types (`LanguageModelV4`), so [`ModelMessage`]s are
//! serialized unchanged.

mod citations;
mod decode;
mod metadata;
mod request;
mod source;
mod usage;

use bytes::Bytes;
use json::RawJson;
use reqwest::header::{HeaderName, HeaderValue};

use self::decode::NativeDecoder;
use crate::adapter::{Adapter, EventDecoder, Request};
use crate::error::GatewayError;
use crate::prompt::PromptError;
use crate::prompt::model_message::ModelMessage;

/// The adapter of this protocol.
#[derive(Debug)]
pub(crate) struct Native;

impl Adapter for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn default_base_url(&self) -> &'static str {
        "https://ai-gateway.vercel.sh/v4/ai"
    }

    fn path(&self) -> &'static [&'static str] {
        &["language-model"]
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("ai-gateway-auth-method", "api-key"),
            ("ai-gateway-protocol-version", "0.0.1"),
            ("ai-language-model-specification-version", "4"),
            ("ai-language-model-streaming", "true"),
        ]
    }

    fn model_header(&self, id: &str) -> Result<Option<(HeaderName, HeaderValue)>, GatewayError> {
        HeaderValue::from_str(id)
            .map(|value| Some((HeaderName::from_static("ai-language-model-id"), value)))
            .map_err(|_| GatewayError::Misconfigured("id of the model must be printable ASCII"))
    }

    fn body(&self, request: &Request<'_>) -> Bytes {
        request::body(request)
    }

    fn prompt(&self, messages: &[ModelMessage<'_>]) -> Result<RawJson, PromptError> {
        Ok(RawJson::from_value(&messages).expect("every text and value in it is JSON already"))
    }

    fn decoder(&self) -> Box<dyn EventDecoder> {
        Box::<NativeDecoder>::default()
    }
}
