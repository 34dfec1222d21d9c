//! `chat.completion.chunk` as servers write it. Not all keep to OpenAI's own form: `null` counts as
//! absent everywhere, and only a fault that would lose a piece of the answer is an error.

use std::borrow::Cow;

use json::{JsonText, array_items, as_object, as_str, as_string, as_u64};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::error::PartError;

/// One event. Its fields are parsed on demand.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    created: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<&'a RawValue>,
    /// The tokens used so far.
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    /// An error, in any form.
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

impl<'a> Chunk<'a> {
    /// Parses an event. `None` for JSON without any field of a chunk.
    pub(super) fn parse(json: &'a str) -> Result<Option<Self>, PartError> {
        if !json.trim_ascii_start().starts_with('{') {
            return serde_json::from_str::<IgnoredAny>(json)
                .map(|_| None)
                .map_err(PartError::Json);
        }
        let chunk: Self = serde_json::from_str(json).map_err(PartError::Json)?;
        Ok(Some(chunk).filter(|chunk| chunk.choices.or(chunk.usage).or(chunk.error).is_some()))
    }

    /// Returns true if the chunk names the response. Servers put empty strings and zeros into
    /// chunks that do not.
    pub(super) fn has_metadata(&self) -> bool {
        let created = self.created.is_some_and(|created| created.get() != "0");
        created
            || [self.id(), self.model()]
                .iter()
                .flatten()
                .any(|word| !word.is_empty())
    }

    pub(super) fn id(&self) -> Option<String> {
        self.id.and_then(as_string)
    }

    pub(super) fn model(&self) -> Option<String> {
        self.model.and_then(as_string)
    }

    /// Returns the first choice. The request asks for one answer; another is not mixed into it.
    pub(super) fn first_choice(&self) -> Result<Option<Choice<'a>>, PartError> {
        for choice in items(self.choices, "choices")? {
            let choice: Choice<'a> = fields(choice, "choices")?;
            if choice.index.is_none_or(|index| index.get() == "0") {
                return Ok(Some(choice));
            }
        }
        Ok(None)
    }
}

/// One of the requested answers.
#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
}

impl<'a> Choice<'a> {
    /// Returns the finish reason. An empty one, which some servers put into every chunk, counts as
    /// absent.
    pub(super) fn finish_reason(&self) -> Option<String> {
        self.finish_reason
            .and_then(as_string)
            .filter(|reason| !reason.is_empty())
    }

    pub(super) fn delta(&self) -> Result<Option<Delta<'a>>, PartError> {
        self.delta.map(|delta| fields(delta, "delta")).transpose()
    }
}

/// The new part of an answer.
#[derive(Deserialize)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    refusal: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

/// A piece of content.
pub(super) enum ContentDelta {
    Text(JsonText),
    Reasoning(JsonText),
}

impl ContentDelta {
    fn is_any(&self) -> bool {
        let (Self::Text(text) | Self::Reasoning(text)) = self;
        !text.is_empty()
    }
}

/// The fields of an item of `content` or `reasoning_details`.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    summary: Option<&'a RawValue>,
}

impl<'a> Delta<'a> {
    /// Returns `reasoning_content` (DeepSeek, vLLM, LiteLLM) or `reasoning` (OpenRouter, Ollama).
    pub(super) fn plain_reasoning(&self) -> Result<Option<JsonText>, PartError> {
        for (value, field) in [
            (self.reasoning_content, "reasoning_content"),
            (self.reasoning, "reasoning"),
        ] {
            let text = value.map(|value| text(value, field)).transpose()?;
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    /// Returns the texts of OpenRouter's list, which may also hold encrypted items.
    pub(super) fn detailed_reasoning(&self) -> Vec<JsonText> {
        list(self.reasoning_details)
            .into_iter()
            .filter_map(as_object::<Item<'_>>)
            .filter_map(|item| item.text.or(item.summary).and_then(JsonText::from_token))
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// Passes a text, or the items of Mistral's list of texts and thoughts, to `push`.
    pub(super) fn content(&self, mut push: impl FnMut(ContentDelta)) -> Result<(), PartError> {
        match self.content {
            Some(content) if !content.get().starts_with('[') => {
                let delta = ContentDelta::Text(text(content, "content")?);
                Some(delta)
                    .filter(ContentDelta::is_any)
                    .into_iter()
                    .for_each(push);
            }
            content => {
                for item in items(content, "content")? {
                    let delta = fields::<Item<'_>>(item, "content")?.content_delta();
                    delta
                        .filter(ContentDelta::is_any)
                        .into_iter()
                        .for_each(&mut push);
                }
            }
        }
        Ok(())
    }

    /// Returns the refusal of the model. Some servers have `false` here.
    pub(super) fn refusal(&self) -> Option<JsonText> {
        JsonText::from_token(self.refusal?).filter(|text| !text.is_empty())
    }

    pub(super) fn tool_calls(&self) -> Result<Vec<CallPiece<'a>>, PartError> {
        items(self.tool_calls, "tool_calls")?
            .into_iter()
            .map(|call| fields(call, "tool_calls"))
            .collect()
    }
}

impl Item<'_> {
    fn content_delta(&self) -> Option<ContentDelta> {
        match self.kind().as_deref()? {
            "text" => JsonText::from_token(self.text?).map(ContentDelta::Text),
            "thinking" => Some(ContentDelta::Reasoning(self.thinking_text())),
            _ => None,
        }
    }

    /// Joins the texts of `thinking`, the only level that Mistral nests. Deeper levels are skipped,
    /// since a server could nest more of them than the stack can hold.
    fn thinking_text(&self) -> JsonText {
        let mut thought = JsonText::default();
        let inner = list(self.thinking)
            .into_iter()
            .filter_map(as_object::<Item<'_>>);
        for item in inner.filter(|item| item.kind().as_deref() == Some("text")) {
            if let Some(text) = item.text.and_then(JsonText::from_token) {
                thought.push(&text);
            }
        }
        thought
    }

    fn kind(&self) -> Option<Cow<'_, str>> {
        as_str(self.r#type?)
    }
}

/// A piece of a tool call.
#[derive(Deserialize)]
pub(super) struct CallPiece<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    function: Option<&'a RawValue>,
    #[serde(borrow)]
    extra_content: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ExtraContent<'a> {
    #[serde(borrow)]
    google: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Google<'a> {
    #[serde(borrow)]
    thought_signature: Option<&'a RawValue>,
}

impl CallPiece<'_> {
    pub(super) fn index(&self) -> Option<u64> {
        self.index.and_then(as_u64)
    }

    pub(super) fn id(&self) -> Option<String> {
        self.id
            .and_then(as_string)
            .filter(|id| !id.trim().is_empty())
    }

    pub(super) fn name(&self) -> Option<String> {
        as_string(self.function()?.name?).filter(|name| !name.trim().is_empty())
    }

    /// Returns the arguments: text that should be JSON, or, from some servers, the JSON itself.
    pub(super) fn arguments(&self) -> Option<JsonText> {
        let arguments = self.function()?.arguments?;
        Some(JsonText::from_token(arguments).unwrap_or_else(|| JsonText::new(arguments.get())))
    }

    /// Returns the thought signature, which Gemini requires back with the call.
    pub(super) fn thought_signature(&self) -> Option<JsonText> {
        let google = as_object::<ExtraContent<'_>>(self.extra_content?)?.google;
        let signature = as_object::<Google<'_>>(google?)?.thought_signature?;
        JsonText::from_token(signature).filter(|signature| !signature.is_empty())
    }

    fn function(&self) -> Option<Function<'_>> {
        as_object(self.function?)
    }
}

fn broken(field: &'static str) -> PartError {
    PartError::Field {
        part: "chat completion".to_owned(),
        field,
    }
}

fn text(value: &RawValue, field: &'static str) -> Result<JsonText, PartError> {
    JsonText::from_token(value).ok_or_else(|| broken(field))
}

fn fields<'a, T: Deserialize<'a>>(
    value: &'a RawValue,
    field: &'static str,
) -> Result<T, PartError> {
    as_object(value).ok_or_else(|| broken(field))
}

/// The maximum number of items of one array. An event may have 12 MB, and each item of two bytes
/// takes sixteen here.
const MAX_ITEMS: usize = 10_000;

/// Returns the items of an array that are not `null`; none if there is no array.
fn items<'a>(
    value: Option<&'a RawValue>,
    field: &'static str,
) -> Result<Vec<&'a RawValue>, PartError> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let items = array_items(value, MAX_ITEMS).ok_or_else(|| broken(field))?;
    Ok(items
        .into_iter()
        .filter(|item| item.get() != "null")
        .collect())
}

fn list(value: Option<&RawValue>) -> Vec<&RawValue> {
    items(value, "list").unwrap_or_default()
}
