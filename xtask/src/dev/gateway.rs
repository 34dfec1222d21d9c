//! The model gateway: the real one if there is a key for it, a simulated one otherwise.

use anyhow::{Context, Result};
use testing::gateway::Conversation;

/// The gateway that the function calls.
pub(crate) enum Gateway {
    /// The one that the environment names.
    Real { base_url: Option<String> },
    /// The simulated one.
    Simulated(Conversation),
}

impl Gateway {
    /// Takes the real gateway if `AI_GATEWAY_API_KEY` is set, and starts the simulated one
    /// otherwise.
    ///
    /// # Errors
    /// No free port.
    pub(crate) async fn choose() -> Result<Self> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let base_url = set("AI_GATEWAY_BASE_URL");
        if set("AI_GATEWAY_API_KEY").is_some() {
            return Ok(Self::Real { base_url });
        }
        if base_url.is_some() {
            eprintln!(
                "warning: AI_GATEWAY_BASE_URL is left unused, since AI_GATEWAY_API_KEY is not set."
            );
        }
        let simulated = Conversation::start()
            .await
            .context("the simulated gateway cannot be started")?;
        Ok(Self::Simulated(simulated))
    }

    /// Returns the environment variables that lead to it; for the real one they are inherited.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Real { .. } => Vec::new(),
            Self::Simulated(conversation) => vec![
                ("AI_GATEWAY_API_KEY", "simulated".to_owned()),
                ("AI_GATEWAY_BASE_URL", conversation.base_url()),
            ],
        }
    }

    /// Returns the description that `dev` prints.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Real {
                base_url: Some(base_url),
            } => format!("{base_url} (AI_GATEWAY_BASE_URL)"),
            Self::Real { base_url: None } => {
                "the Vercel AI Gateway, with your AI_GATEWAY_API_KEY".to_owned()
            }
            Self::Simulated(_) => {
                "simulated, no model is called; set AI_GATEWAY_API_KEY for real answers".to_owned()
            }
        }
    }

    /// Returns true if answers come from the simulated gateway.
    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated(_))
    }
}
