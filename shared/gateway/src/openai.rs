//! OpenAI's Chat Completions, the protocol of many servers, as `@ai-sdk/openai-compatible` speaks
//! it.

mod calls;
mod chat_message;
mod chunk;
mod decode;
mod prompt;
mod report;
mod request;
mod thought_signature;

use bytes::Bytes;
use json::RawJson;

use self::decode::OpenAiDecoder;
use crate::adapter::{Adapter, EventDecoder, Request};
use crate::prompt::PromptError;
use crate::prompt::model_message::ModelMessage;

/// The adapter of this protocol.
#[derive(Debug)]
pub(crate) struct OpenAi;

impl Adapter for OpenAi {
    fn name(&self) -> &'static str {
        "openai"
    }

    fn default_base_url(&self) -> &'static str {
        "https://ai-gateway.vercel.sh/v1"
    }

    fn path(&self) -> &'static [&'static str] {
        &["chat", "completions"]
    }

    fn body(&self, request: &Request<'_>) -> Bytes {
        request::body(request)
    }

    fn prompt(&self, messages: &[ModelMessage<'_>]) -> Result<RawJson, PromptError> {
        let messages = prompt::messages(messages)?;
        Ok(RawJson::from_value(&messages).expect("every text and value in it is JSON already"))
    }

    fn decoder(&self) -> Box<dyn EventDecoder> {
        Box::<OpenAiDecoder>::default()
    }
}
