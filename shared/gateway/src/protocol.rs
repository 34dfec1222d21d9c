//! The languages that gateways speak.

use std::str::FromStr;

/// The protocol of the model side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// The AI Gateway's own, as `@ai-sdk/gateway` speaks it.
    #[default]
    Native,
    /// OpenAI's Chat Completions, as `@ai-sdk/openai-compatible` speaks it: the AI Gateway's `/v1`, LiteLLM,
    /// OpenRouter, vLLM, Ollama and many more.
    OpenAi,
}

impl Protocol {
    /// Returns the base URL under which Vercel's AI Gateway serves it.
    pub fn default_base_url(self) -> &'static str {
        match self {
            Self::Native => "https://ai-gateway.vercel.sh/v4/ai",
            Self::OpenAi => "https://ai-gateway.vercel.sh/v1",
        }
    }
}

/// The name of no [`Protocol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be native or openai")]
pub struct UnknownProtocol;

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        match name {
            "native" => Ok(Self::Native),
            "openai" => Ok(Self::OpenAi),
            _ => Err(UnknownProtocol),
        }
    }
}
