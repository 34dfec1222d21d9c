//! The protocols of gateways.

use std::str::FromStr;

use crate::adapter::Adapter;
use crate::native::Native;
use crate::openai::OpenAi;

/// The protocol of the model side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Protocol {
    /// The AI Gateway's own protocol, that of `@ai-sdk/gateway`.
    #[default]
    Native,
    /// OpenAI's Chat Completions, that of `@ai-sdk/openai-compatible`: the AI Gateway's `/v1`,
    /// LiteLLM, OpenRouter, vLLM, Ollama and many more.
    OpenAi,
}

impl Protocol {
    const ALL: [Self; 2] = [Self::Native, Self::OpenAi];

    /// Returns the base URL of Vercel's AI Gateway for this protocol.
    pub fn default_base_url(self) -> &'static str {
        self.adapter().default_base_url()
    }

    pub(crate) fn adapter(self) -> &'static dyn Adapter {
        match self {
            Self::Native => &Native,
            Self::OpenAi => &OpenAi,
        }
    }
}

/// The error for a text that names no [`Protocol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be native or openai")]
pub struct UnknownProtocol;

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, UnknownProtocol> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.adapter().name() == name)
            .ok_or(UnknownProtocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_has_a_name_that_the_error_lists() {
        for protocol in Protocol::ALL {
            let name = protocol.adapter().name();
            assert_eq!(name.parse(), Ok(protocol));
            assert!(UnknownProtocol.to_string().contains(name), "{name}");
        }
        assert_eq!("OpenAI".parse::<Protocol>(), Err(UnknownProtocol));
    }
}
