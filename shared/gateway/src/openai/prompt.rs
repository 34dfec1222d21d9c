//! Conversion of a prompt, as `@ai-sdk/openai-compatible` does it.
//!
//! The protocol has fewer kinds of content than [`crate::prompt::model_message`]: others are
//! omitted where the original omits them, and refused where the original fails.

mod file;

use std::borrow::Cow;

use json::{JsonText, RawJson, has_forbidden_key};
use serde_json::value::RawValue;

use super::chat_message::{ExtraContent, Function, Google, Message, Part, ToolCall, UserContent};
use super::thought_signature;
use crate::prompt::PromptError;
use crate::prompt::model_message::{Content, ModelMessage, ToolOutput, Value};

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
                let signature = provider_options.and_then(thought_signature::from_metadata);
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
