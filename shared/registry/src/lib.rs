//! The models that may be asked, and their descriptions for users.
//!
//! Knows nothing of how a model is called.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// The model that answers when a request names none.
pub const DEFAULT_MODEL: &str = "anthropic/claude-sonnet-4-20250514";

/// The models known without configuration: id, name, provider, pricing tier, speed tier.
pub const AVAILABLE_MODELS: [(&str, &str, &str, PricingTier, SpeedTier); 8] = [
    (
        "openai/gpt-4o-mini",
        "GPT-4o mini",
        "OpenAI",
        PricingTier::Low,
        SpeedTier::Fast,
    ),
    (
        "openai/gpt-4o",
        "GPT-4o",
        "OpenAI",
        PricingTier::Medium,
        SpeedTier::Balanced,
    ),
    (
        "openai/o1",
        "o1",
        "OpenAI",
        PricingTier::High,
        SpeedTier::Quality,
    ),
    (
        "anthropic/claude-3-5-haiku-latest",
        "Claude 3.5 Haiku",
        "Anthropic",
        PricingTier::Low,
        SpeedTier::Fast,
    ),
    (
        DEFAULT_MODEL,
        "Claude Sonnet 4",
        "Anthropic",
        PricingTier::Medium,
        SpeedTier::Balanced,
    ),
    (
        "anthropic/claude-opus-4-20250514",
        "Claude Opus 4",
        "Anthropic",
        PricingTier::High,
        SpeedTier::Quality,
    ),
    (
        "google/gemini-2.0-flash",
        "Gemini 2.0 Flash",
        "Google",
        PricingTier::Low,
        SpeedTier::Fast,
    ),
    (
        "google/gemini-2.5-pro-preview-05-06",
        "Gemini 2.5 Pro",
        "Google",
        PricingTier::High,
        SpeedTier::Quality,
    ),
];

/// An available model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// `provider/model-name`, as the gateway knows it.
    pub id: String,
    /// The display name.
    pub name: String,
    /// The provider's name.
    pub provider: String,
    /// The rough price.
    pub pricing_tier: PricingTier,
    /// The strength of the model.
    pub speed_tier: SpeedTier,
}

/// `$`, `$$` or `$$$`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub enum PricingTier {
    #[serde(rename = "$")]
    Low,
    #[serde(rename = "$$")]
    Medium,
    #[serde(rename = "$$$")]
    High,
}

/// `fast`, `balanced` or `quality`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum SpeedTier {
    Fast,
    Balanced,
    Quality,
}

/// A list of models that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The list itself cannot be read.
    #[error("models must be a JSON array of objects")]
    NotAList(#[source] serde_json::Error),
    /// One entry cannot be read.
    #[error("models[{index}] ({id}) is not a model")]
    Entry {
        index: usize,
        id: String,
        source: serde_json::Error,
    },
    /// One entry has an id that no gateway would understand.
    #[error("models[{index}].id is {id:?}, it must be provider/model-name")]
    BadId { index: usize, id: String },
    /// Two entries have one id.
    #[error("models[{index}].id {id:?} is repeated")]
    Twice { index: usize, id: String },
    /// There is nothing to choose from.
    #[error("models must have at least one entry")]
    Empty,
    /// The default model is not in the list.
    #[error("default model {0:?} is not one of the models")]
    NoDefault(String),
}

/// The models of this deployment.
#[derive(Debug, Clone)]
pub struct Registry {
    models: Vec<ModelConfig>,
    default: usize,
}

impl Registry {
    /// Returns the built-in models, or those of `json` (an array of objects with `id`, `name`,
    /// `provider`, `pricing_tier` and `speed_tier`), with `default_model` or else [`DEFAULT_MODEL`]
    /// as the default. In a list that lacks
    /// [`DEFAULT_MODEL`] the first entry is the default.
    ///
    /// # Errors
    /// Names the entry that is wrong.
    pub fn new(json: Option<&str>, default_model: Option<&str>) -> Result<Self, RegistryError> {
        let models = json.map_or_else(|| Ok(built_in()), parse)?;
        let position = |id: &str| models.iter().position(|model| model.id == id);
        let default = match default_model {
            Some(id) => position(id).ok_or_else(|| RegistryError::NoDefault(id.to_owned()))?,
            None => position(DEFAULT_MODEL).unwrap_or(0),
        };
        Ok(Self { models, default })
    }

    /// Returns all models, in the operator's order.
    pub fn models(&self) -> &[ModelConfig] {
        &self.models
    }

    /// Returns the model that answers when a request names none.
    pub fn default_model(&self) -> &ModelConfig {
        &self.models[self.default]
    }

    /// Returns the model with exactly this id.
    pub fn model_config(&self, id: &str) -> Option<&ModelConfig> {
        self.models.iter().find(|model| model.id == id)
    }
}

fn built_in() -> Vec<ModelConfig> {
    let model =
        |&(id, name, provider, pricing_tier, speed_tier): &(&str, &str, &str, _, _)| ModelConfig {
            id: id.to_owned(),
            name: name.to_owned(),
            provider: provider.to_owned(),
            pricing_tier,
            speed_tier,
        };
    AVAILABLE_MODELS.iter().map(model).collect()
}

fn parse(json: &str) -> Result<Vec<ModelConfig>, RegistryError> {
    let entries: Vec<serde_json::Value> =
        serde_json::from_str(json).map_err(RegistryError::NotAList)?;
    let mut seen = HashSet::new();
    let mut models = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let id = entry["id"].as_str().unwrap_or("no id").to_owned();
        let model: ModelConfig =
            serde_json::from_value(entry).map_err(|source| RegistryError::Entry {
                index,
                id: id.clone(),
                source,
            })?;
        if !is_model_id(&id) {
            return Err(RegistryError::BadId { index, id });
        }
        if !seen.insert(id.clone()) {
            return Err(RegistryError::Twice { index, id });
        }
        models.push(model);
    }
    if models.is_empty() {
        Err(RegistryError::Empty)
    } else {
        Ok(models)
    }
}

/// Returns true for a model id. Ids travel in an HTTP header, so they are printable ASCII.
fn is_model_id(id: &str) -> bool {
    let printable = id.len() <= 200 && id.bytes().all(|byte| byte.is_ascii_graphic());
    printable
        && id
            .split_once('/')
            .is_some_and(|(provider, name)| !provider.is_empty() && !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"[{"id":"acme/one","name":"One","provider":"Acme","pricing_tier":"$","speed_tier":"fast"}]"#;

    #[test]
    fn the_built_in_list_has_its_default_and_only_good_ids() {
        let registry = Registry::new(None, None).unwrap();
        assert_eq!(registry.default_model().id, DEFAULT_MODEL);
        assert_eq!(registry.models().len(), 8);
        for model in registry.models() {
            assert!(is_model_id(&model.id), "{}", model.id);
            assert_eq!(registry.model_config(&model.id), Some(model));
        }
    }

    #[test]
    fn a_model_is_found_by_its_exact_id_only() {
        let registry = Registry::new(None, None).unwrap();
        for id in [
            "",
            "openai/GPT-4o",
            "openai/gpt-4o ",
            "openai/gpt-4o:free",
            "../openai/gpt-4o",
        ] {
            assert_eq!(registry.model_config(id), None, "{id}");
        }
    }

    #[test]
    fn an_operator_replaces_the_list() {
        let registry = Registry::new(Some(ONE), None).unwrap();
        assert_eq!(registry.default_model().id, "acme/one");
        assert_eq!(registry.model_config(DEFAULT_MODEL), None);
        assert_eq!(serde_json::to_string(registry.models()).unwrap(), ONE);
    }

    #[test]
    fn an_error_names_the_entry() {
        let twice = ONE.replace(']', ",") + &ONE[1..];
        for (case, json, text) in [
            ("not JSON", "[", "models must be a JSON array of objects"),
            ("empty", "[]", "models must have at least one entry"),
            (
                "no name",
                r#"[{"id":"a/b"}]"#,
                "models[0] (a/b) is not a model",
            ),
            (
                "bad tier",
                &ONE.replace("fast", "slow"),
                "models[0] (acme/one) is not a model",
            ),
            (
                "bad id",
                &ONE.replace("acme/one", "one"),
                "models[0].id is \"one\", it must be provider/model-name",
            ),
            ("twice", &twice, "models[1].id \"acme/one\" is repeated"),
        ] {
            assert_eq!(
                Registry::new(Some(json), None).unwrap_err().to_string(),
                text,
                "{case}"
            );
        }
    }

    #[test]
    fn a_default_that_is_not_in_the_list_is_refused() {
        let error = Registry::new(None, Some("acme/two")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "default model \"acme/two\" is not one of the models"
        );
    }
}
