//! `chat.completion.chunk` as servers write it. Not all keep to OpenAI's own form: `null` counts as absent everywhere,
//! and only what would lose something of the answer is an error.

use std::borrow::Cow;

use message::{JsonText, array_items, unquoted};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::error::PartError;
use crate::usage::{count, object};

/// One event. Nothing in it is looked at before it is asked for.
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
    /// `None` for JSON that says nothing that a chunk can say.
    pub(super) fn parse(json: &'a str) -> Result<Option<Self>, PartError> {
        if !json.trim_ascii_start().starts_with('{') {
            return serde_json::from_str::<IgnoredAny>(json)
                .map(|_| None)
                .map_err(PartError::Json);
        }
        let chunk: Self = serde_json::from_str(json).map_err(PartError::Json)?;
        Ok(Some(chunk).filter(|chunk| chunk.choices.or(chunk.usage).or(chunk.error).is_some()))
    }

    /// Returns true if it names the response; servers put empty strings and zeros into chunks that do not.
    pub(super) fn has_metadata(&self) -> bool {
        let created = self.created.is_some_and(|created| created.get() != "0");
        created
            || [self.id(), self.model()]
                .iter()
                .flatten()
                .any(|word| !word.is_empty())
    }

    pub(super) fn id(&self) -> Option<String> {
        optional_string(self.id)
    }

    pub(super) fn model(&self) -> Option<String> {
        optional_string(self.model)
    }

    /// Only one answer is asked for; another is not mixed into it.
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

/// One of the answers that were asked for.
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
    /// Returns the reason why the model stopped. Some servers put an empty one into every chunk, which has no meaning.
    pub(super) fn finish_reason(&self) -> Option<String> {
        optional_string(self.finish_reason).filter(|reason| !reason.is_empty())
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
    /// DeepSeek's, vLLM's and LiteLLM's `reasoning_content`, or OpenRouter's and Ollama's `reasoning`.
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

    /// OpenRouter's list, which may also hold encrypted items.
    pub(super) fn detailed_reasoning(&self) -> Vec<JsonText> {
        list(self.reasoning_details)
            .into_iter()
            .filter_map(|item| object::<Item<'_>>(Some(item)))
            .filter_map(|item| item.text.or(item.summary).and_then(JsonText::from_token))
            .filter(|text| !text.is_empty())
            .collect()
    }

    /// Hands on a text, or the items of Mistral's list of texts and thoughts.
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
            "thinking" => Some(ContentDelta::Reasoning(self.thought())),
            _ => None,
        }
    }

    /// Joins the texts of `thinking`, which is as deep as Mistral nests. Anything deeper is skipped, not followed: its
    /// depth is up to the server, and the stack is not.
    fn thought(&self) -> JsonText {
        let mut thought = JsonText::default();
        let inner = list(self.thinking)
            .into_iter()
            .filter_map(|item| object::<Item<'_>>(Some(item)));
        for item in inner.filter(|item| item.kind().as_deref() == Some("text")) {
            if let Some(text) = item.text.and_then(JsonText::from_token) {
                thought.push(&text);
            }
        }
        thought
    }

    fn kind(&self) -> Option<Cow<'_, str>> {
        unquoted(self.r#type?.get())
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
        count(self.index)
    }

    pub(super) fn id(&self) -> Option<String> {
        optional_string(self.id).filter(|id| !id.trim().is_empty())
    }

    pub(super) fn name(&self) -> Option<String> {
        optional_string(self.function()?.name).filter(|name| !name.trim().is_empty())
    }

    /// Text that is meant to be JSON; some servers send the JSON itself.
    pub(super) fn arguments(&self) -> Option<JsonText> {
        let arguments = self.function()?.arguments?;
        Some(JsonText::from_token(arguments).unwrap_or_else(|| JsonText::new(arguments.get())))
    }

    /// Gemini wants it back with the call.
    pub(super) fn thought_signature(&self) -> Option<JsonText> {
        let google = object::<ExtraContent<'_>>(self.extra_content)?.google;
        let signature = object::<Google<'_>>(google)?.thought_signature?;
        JsonText::from_token(signature).filter(|signature| !signature.is_empty())
    }

    fn function(&self) -> Option<Function<'_>> {
        object(self.function)
    }
}

fn broken(field: &'static str) -> PartError {
    PartError::Field {
        part: "chat completion".to_owned(),
        field,
    }
}

fn optional_string(value: Option<&RawValue>) -> Option<String> {
    unquoted(value?.get()).map(String::from)
}

fn text(value: &RawValue, field: &'static str) -> Result<JsonText, PartError> {
    JsonText::from_token(value).ok_or_else(|| broken(field))
}

fn fields<'a, T: Deserialize<'a>>(
    value: &'a RawValue,
    field: &'static str,
) -> Result<T, PartError> {
    object(Some(value)).ok_or_else(|| broken(field))
}

/// The most items of one array. A server may send an event of 12 MB, and each item of two bytes takes sixteen here.
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
