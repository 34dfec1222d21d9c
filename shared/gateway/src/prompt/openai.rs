//! The prompt in the form of OpenAI's Chat Completions, as `@ai-sdk/openai-compatible` writes it.
//!
//! The protocol has fewer kinds of content than [`super::model_message`]: others are omitted where
//! the original omits them, and refused where the original fails.

mod file;

use std::borrow::Cow;
use std::collections::BTreeMap;

use json::{JsonText, RawJson, has_forbidden_key};
use serde::Serialize;
use serde_json::value::RawValue;

use super::PromptError;
use super::model_message::{Content, ModelMessage, ToolOutput, Value};
use crate::openai::PROVIDER;

/// One message. A user's message of a single text has no parts.
#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(super) enum Message<'a> {
    System {
        content: &'a str,
    },
    User {
        content: UserContent<'a>,
    },
    Assistant {
        /// `null` together with calls.
        content: Option<JsonText>,
        #[serde(skip_serializing_if = "JsonText::is_empty")]
        reasoning_content: JsonText,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: Cow<'a, JsonText>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum UserContent<'a> {
    Text(&'a JsonText),
    Parts(Vec<Part<'a>>),
}

/// One part of a user's message.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Part<'a> {
    Text { text: Cow<'a, JsonText> },
    ImageUrl { image_url: Address<'a> },
    VideoUrl { video_url: Address<'a> },
    InputAudio { input_audio: Audio<'a> },
    File { file: Document<'a> },
}

#[derive(Serialize)]
pub(super) struct Address<'a> {
    url: Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct Audio<'a> {
    data: &'a str,
    format: &'static str,
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    filename: &'a str,
    file_data: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "function")]
pub(super) struct ToolCall<'a> {
    id: &'a str,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<ExtraContent>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: JsonText,
}

#[derive(Serialize)]
struct ExtraContent {
    google: Google,
}

#[derive(Serialize)]
struct Google {
    thought_signature: JsonText,
}

/// Converts the messages for the request; each result of a tool becomes a message of its own.
///
/// # Errors
/// A file of a kind that models of this protocol cannot receive.
pub(super) fn messages<'a>(
    prompt: &'a [ModelMessage<'a>],
) -> Result<Vec<Message<'a>>, PromptError> {
    let mut messages = Vec::with_capacity(prompt.len());
    for message in prompt {
        match message {
            ModelMessage::System(content) => messages.push(Message::System { content }),
            ModelMessage::User(content) => messages.push(Message::User {
                content: user_content(content)?,
            }),
            ModelMessage::Assistant(content) => messages.push(assistant_message(content)),
            ModelMessage::Tool(content) => messages.extend(content.iter().filter_map(result)),
        }
    }
    Ok(messages)
}

fn user_content<'a>(content: &'a [Content<'a>]) -> Result<UserContent<'a>, PromptError> {
    if let [Content::Text { text, .. }] = content {
        return Ok(UserContent::Text(text));
    }
    let parts = content.iter().filter_map(|part| match part {
        Content::Text { text, .. } => Some(Ok(Part::Text {
            text: Cow::Borrowed(text),
        })),
        Content::File {
            media_type,
            filename,
            data,
            path,
            ..
        } => Some(file::part(media_type, *filename, data, *path)),
        _ => None,
    });
    parts.collect::<Result<_, _>>().map(UserContent::Parts)
}

/// Converts an assistant message. Texts are joined, and so is reasoning. Files, custom content and
/// results of the provider's own tools are omitted.
fn assistant_message<'a>(content: &'a [Content<'a>]) -> Message<'a> {
    let (mut text, mut reasoning_content) = (JsonText::default(), JsonText::default());
    let mut tool_calls = Vec::new();
    for part in content {
        match part {
            Content::Text { text: part, .. } => text.push(part),
            Content::Reasoning { text, .. } => reasoning_content.push(text),
            Content::ToolCall {
                tool_call_id,
                tool_name,
                input,
                provider_options,
                ..
            } => {
                let signature = provider_options.and_then(thought_signature);
                tool_calls.push(ToolCall {
                    id: tool_call_id,
                    function: Function {
                        name: tool_name,
                        arguments: arguments(*input),
                    },
                    extra_content: signature.map(|thought_signature| ExtraContent {
                        google: Google { thought_signature },
                    }),
                });
            }
            _ => {}
        }
    }
    let content = Some(text).filter(|text| tool_calls.is_empty() || !text.is_empty());
    Message::Assistant {
        content,
        reasoning_content,
        tool_calls,
    }
}

/// Returns the input as text. A text that is JSON already was never parsed and is sent unchanged; a
/// call without input gets an empty object, since servers refuse one without arguments.
fn arguments(input: Option<&RawJson>) -> JsonText {
    let Some(input) = input else {
        return JsonText::new("{}");
    };
    input
        .text()
        .filter(is_json)
        .unwrap_or_else(|| JsonText::new(input.get()))
}

fn is_json(text: &JsonText) -> bool {
    let text = text.to_text();
    serde_json::from_str::<&RawValue>(&text).is_ok() && !has_forbidden_key(&text)
}

/// Returns the thought signature that the decoder added to the call, or that Google's own provider
/// has.
fn thought_signature(metadata: &RawJson) -> Option<JsonText> {
    let providers: BTreeMap<String, RawJson> = serde_json::from_str(metadata.get()).ok()?;
    [PROVIDER, "google"].iter().find_map(|provider| {
        let metadata: BTreeMap<String, RawJson> =
            serde_json::from_str(providers.get(*provider)?.get()).ok()?;
        metadata
            .get("thoughtSignature")?
            .text()
            .filter(|signature| !signature.is_empty())
    })
}

/// Returns the message of a result. Responses to approval requests have no form in this protocol.
fn result<'a>(part: &'a Content<'a>) -> Option<Message<'a>> {
    let Content::ToolResult {
        tool_call_id,
        output,
        ..
    } = part
    else {
        return None;
    };
    let content = match output {
        ToolOutput::Text { value } | ToolOutput::ErrorText { value } => match value {
            Value::Json(json) => {
                Cow::Owned(json.text().unwrap_or_else(|| JsonText::new(json.get())))
            }
            other => as_text(other),
        },
        ToolOutput::Json { value } | ToolOutput::ErrorJson { value } => match value {
            Value::Json(json) => Cow::Owned(JsonText::new(json.get())),
            other => as_text(other),
        },
        ToolOutput::ExecutionDenied {
            reason: Some(reason),
        } => Cow::Borrowed(*reason),
        ToolOutput::ExecutionDenied { reason: None } => {
            Cow::Owned(JsonText::new("Tool call execution denied."))
        }
    };
    Some(Message::Tool {
        tool_call_id,
        content,
    })
}

fn as_text<'a>(value: &Value<'a>) -> Cow<'a, JsonText> {
    match value {
        Value::Text(text) => Cow::Borrowed(*text),
        Value::Ours(sentence) => Cow::Owned(JsonText::new(sentence)),
        Value::Json(json) => Cow::Owned(JsonText::new(json.get())),
        Value::Null => Cow::Owned(JsonText::new("null")),
    }
}
