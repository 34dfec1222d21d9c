//! The parts of a message, as `useChat` of `ai` 5 to 7 holds and sends them.

use json::{Invalid, JsonText, Object, RawJson, array_items, as_str};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// One part of a [`crate::UiMessage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(transform = crate::openapi::describe_provider_fields))]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum UiPart {
    /// A text.
    Text {
        text: JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<PartState>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        /// The sources of the text; not shown to the model.
        #[serde(skip_serializing_if = "Option::is_none")]
        citations: Option<RawJson>,
    },
    /// The reasoning of the model.
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        text: JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<PartState>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// A file by its URL, `https:` or `data:`.
    File {
        /// The media type. Some clients omit it; the prompt needs it.
        #[serde(skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        /// The reference under which the provider holds the file, instead of the URL.
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_reference: Option<RawJson>,
    },
    /// A file that the model generated while it reasoned.
    ReasoningFile {
        media_type: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// A part that only one provider has; `kind` is `provider.name`.
    Custom {
        kind: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// The beginning of a model call.
    StepStart,
    /// A message with which the user steered a running answer.
    SteeringMessage {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        #[cfg_attr(feature = "openapi", schemars(length(max = MAX_STEERING_PARTS)))]
        #[cfg_attr(feature = "openapi", schemars(transform = crate::openapi::forbid_steering_messages))]
        parts: Vec<UiPart>,
    },
    /// A call of a tool and its result.
    #[serde(untagged)]
    Tool(ToolPart),
    /// A source, a `data-*` part or a part of an unknown type: stored, and not shown to the model.
    #[serde(untagged)]
    Other(#[cfg_attr(feature = "openapi", schemars(with = "crate::openapi::OtherPart"))] RawJson),
}

/// The state of a text or reasoning part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PartState {
    /// The part is still being written.
    Streaming,
    /// The part is complete.
    Done,
}

/// A call of a tool. `kind` is `tool-<name>`, or `dynamic-tool` with the name in `tool_name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(transform = crate::openapi::describe_tool))]
#[serde(rename_all = "camelCase")]
pub struct ToolPart {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_name: Option<String>,
    pub tool_call_id: String,
    pub state: ToolState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_input: Option<RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_text: Option<JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_executed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preliminary: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub call_provider_metadata: Option<RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_provider_metadata: Option<RawJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
}

impl ToolPart {
    /// Returns the name of the tool.
    pub fn name(&self) -> &str {
        match &self.tool_name {
            Some(name) => name,
            None => self.kind.strip_prefix("tool-").unwrap_or(&self.kind),
        }
    }
}

/// The state of a tool call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ToolState {
    /// The input is being written.
    InputStreaming,
    /// The input is complete, the result is pending.
    InputAvailable,
    /// The user has been asked for approval.
    ApprovalRequested,
    /// The user has approved or denied the call.
    ApprovalResponded,
    /// The call has a result.
    OutputAvailable,
    /// The call failed.
    OutputError,
    /// The user denied the call.
    OutputDenied,
}

/// The request for approval of a tool call, and the user's response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Approval {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<JsonText>,
}

impl UiPart {
    /// Parses the parts under `parts` of a message; `path` is the path of the message.
    pub fn parse_all(fields: &Object<'_>, path: &str) -> Result<Vec<Self>, Invalid> {
        Self::parse_each(fields.array("parts", usize::MAX)?, path)
    }

    /// Counts the parts inside `part` without reading them. Only a steering message holds any, at
    /// most 16. In one that has more, or that cannot be read, none are counted, since
    /// [`UiPart::parse`] refuses it.
    pub fn count_nested(part: &RawValue) -> usize {
        let outline = Outline::parse(part).filter(Outline::is_steering_message);
        let nested = outline.and_then(|outline| array_items(outline.parts?, MAX_STEERING_PARTS));
        nested.map_or(0, |parts| parts.len())
    }

    fn parse_each(parts: Vec<&RawValue>, path: &str) -> Result<Vec<Self>, Invalid> {
        let numbered = parts.into_iter().enumerate();
        numbered
            .map(|(index, part)| Self::parse(part, &format!("{path}.parts[{index}]")))
            .collect()
    }

    /// Parses the parts of a stored message from their JSON text, an array.
    pub fn parse_stored(parts: &str) -> Result<Vec<Self>, Invalid> {
        let values: Vec<&RawValue> = serde_json::from_str(parts)
            .map_err(|error| Invalid::new("parts", error.to_string()))?;
        let numbered = values.into_iter().enumerate();
        numbered
            .map(|(index, part)| Self::parse(part, &format!("parts[{index}]")))
            .collect()
    }

    /// Parses one part; `path` is its path in errors, for example `messages[0].parts[1]`.
    ///
    /// Written by hand instead of deriving `Deserialize`: an internally tagged enum cannot carry
    /// raw JSON, and the errors of the derived code do not name the field.
    pub fn parse(value: &RawValue, path: &str) -> Result<Self, Invalid> {
        let fields = Object::parse(value, path)?;
        let kind = fields.string("type")?;
        Ok(match kind.as_str() {
            "text" => Self::Text {
                text: fields.text("text")?,
                state: parse_part_state(&fields)?,
                provider_metadata: fields.optional_object("providerMetadata")?,
                citations: fields.optional_json("citations"),
            },
            "reasoning" => Self::Reasoning {
                id: fields.optional_string("id")?,
                text: fields.text("text")?,
                state: parse_part_state(&fields)?,
                provider_metadata: fields.optional_object("providerMetadata")?,
            },
            "file" => Self::File {
                media_type: fields.optional_string("mediaType")?,
                url: fields.string("url")?,
                filename: fields.optional_string("filename")?,
                provider_metadata: fields.optional_object("providerMetadata")?,
                provider_reference: fields.optional_object("providerReference")?,
            },
            "reasoning-file" => Self::ReasoningFile {
                media_type: fields.string("mediaType")?,
                url: fields.string("url")?,
                provider_metadata: fields.optional_object("providerMetadata")?,
            },
            "custom" => Self::Custom {
                kind: fields.string("kind")?,
                provider_metadata: fields.optional_object("providerMetadata")?,
            },
            "step-start" => Self::StepStart,
            STEERING_MESSAGE => Self::SteeringMessage {
                id: fields.optional_string("id")?,
                parts: parse_steering_parts(&fields, path)?,
            },
            name if name == "dynamic-tool" || name.starts_with("tool-") => {
                Self::Tool(parse_tool(kind, &fields)?)
            }
            _ => Self::Other(RawJson::new(value.to_owned())),
        })
    }
}

const STEERING_MESSAGE: &str = "steering-message";

/// The maximum number of parts of one steering message.
const MAX_STEERING_PARTS: usize = 16;

/// The two fields that are needed to count the nested parts of a part.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    parts: Option<&'a RawValue>,
}

impl<'a> Outline<'a> {
    fn parse(part: &'a RawValue) -> Option<Self> {
        serde_json::from_str(part.get()).ok()
    }

    fn is_steering_message(&self) -> bool {
        self.r#type.and_then(as_str).as_deref() == Some(STEERING_MESSAGE)
    }
}

/// Parses the parts of a steering message. A nested steering message is refused before it is read,
/// since each level could hold sixteen times as many parts.
fn parse_steering_parts(fields: &Object<'_>, path: &str) -> Result<Vec<UiPart>, Invalid> {
    let parts = fields.array("parts", MAX_STEERING_PARTS)?;
    let is_nested = |part: &&RawValue| {
        Outline::parse(part).is_some_and(|outline| outline.is_steering_message())
    };
    if let Some(index) = parts.iter().position(is_nested) {
        let field = format!("{path}.parts[{index}].type");
        return Err(Invalid::new(
            field,
            "must not be steering-message inside a steering-message",
        ));
    }
    UiPart::parse_each(parts, path)
}

fn parse_tool(kind: String, fields: &Object<'_>) -> Result<ToolPart, Invalid> {
    let tool_name = if kind == "dynamic-tool" {
        Some(fields.string("toolName")?)
    } else {
        None
    };
    Ok(ToolPart {
        tool_name,
        kind,
        tool_call_id: fields.string("toolCallId")?,
        state: parse_tool_state(fields)?,
        title: fields.optional_string("title")?,
        input: fields.optional_json("input"),
        raw_input: fields.optional_json("rawInput"),
        output: fields.optional_json("output"),
        error_text: fields.optional_text("errorText")?,
        provider_executed: fields.optional_bool("providerExecuted")?,
        dynamic: fields.optional_bool("dynamic")?,
        preliminary: fields.optional_bool("preliminary")?,
        call_provider_metadata: fields.optional_object("callProviderMetadata")?,
        result_provider_metadata: fields.optional_object("resultProviderMetadata")?,
        approval: fields
            .get("approval")
            .map(|value| parse_approval(value, fields.path("approval")))
            .transpose()?,
    })
}

fn parse_approval(value: &RawValue, path: String) -> Result<Approval, Invalid> {
    let fields = Object::parse(value, path)?;
    Ok(Approval {
        id: fields.string("id")?,
        approved: fields.optional_bool("approved")?,
        reason: fields.optional_text("reason")?,
    })
}

fn parse_part_state(fields: &Object<'_>) -> Result<Option<PartState>, Invalid> {
    match fields.optional_string("state")?.as_deref() {
        None => Ok(None),
        Some("streaming") => Ok(Some(PartState::Streaming)),
        Some("done") => Ok(Some(PartState::Done)),
        Some(_) => Err(Invalid::new(
            fields.path("state"),
            "must be streaming or done",
        )),
    }
}

fn parse_tool_state(fields: &Object<'_>) -> Result<ToolState, Invalid> {
    Ok(match fields.string("state")?.as_str() {
        "input-streaming" => ToolState::InputStreaming,
        "input-available" => ToolState::InputAvailable,
        "approval-requested" => ToolState::ApprovalRequested,
        "approval-responded" => ToolState::ApprovalResponded,
        "output-available" => ToolState::OutputAvailable,
        "output-error" => ToolState::OutputError,
        "output-denied" => ToolState::OutputDenied,
        _ => {
            return Err(Invalid::new(
                fields.path("state"),
                "must be input-streaming, input-available, approval-requested, approval-responded, \
                 output-available, output-error or output-denied",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<UiPart, Invalid> {
        UiPart::parse(
            &serde_json::from_str::<Box<RawValue>>(json).unwrap(),
            "parts[0]",
        )
    }

    #[test]
    fn a_part_is_serialized_as_it_was_parsed() {
        for json in [
            r#"{"type":"text","text":"half \ud83d","state":"done","providerMetadata":{"a":{"b":1}},"citations":[]}"#,
            r#"{"type":"reasoning","id":"r0","text":"hm","state":"streaming"}"#,
            r#"{"type":"file","mediaType":"image/png","url":"https://example.com/a.png","filename":"a.png"}"#,
            r#"{"type":"reasoning-file","mediaType":"image/png","url":"data:image/png;base64,AA=="}"#,
            r#"{"type":"custom","kind":"anthropic.compaction"}"#,
            r#"{"type":"step-start"}"#,
            r#"{"type":"steering-message","id":"s1","parts":[{"type":"text","text":"left"}]}"#,
            r#"{"type":"tool-getWeather","toolCallId":"c1","state":"output-available","input":{"city":"Paris"},"output":[1,null]}"#,
            r#"{"type":"dynamic-tool","toolName":"x","toolCallId":"c1","state":"approval-responded","input":{},"approval":{"id":"a1","approved":false,"reason":"no"}}"#,
            r#"{"type":"data-chart","data":{"x":[1,2]}}"#,
            r#"{"type":"source-url","sourceId":"s","url":"https://example.com"}"#,
        ] {
            assert_eq!(serde_json::to_string(&parse(json).unwrap()).unwrap(), json);
        }
    }

    #[test]
    fn a_tool_is_named_by_its_type_or_its_name() {
        let named = |json| match parse(json).unwrap() {
            UiPart::Tool(tool) => tool.name().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            named(r#"{"type":"tool-a-b","toolCallId":"c","state":"input-streaming"}"#),
            "a-b"
        );
        assert_eq!(
            named(
                r#"{"type":"dynamic-tool","toolName":"n","toolCallId":"c","state":"input-streaming"}"#
            ),
            "n"
        );
    }

    #[test]
    fn a_steering_message_has_few_parts() {
        let many = vec![r#"{"type":"text","text":""}"#; 17].join(",");
        let error = parse(&format!(
            r#"{{"type":"steering-message","parts":[{many}]}}"#
        ))
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "parts[0].parts: must have at most 16 items"
        );
    }

    #[test]
    fn nested_parts_are_counted_without_being_parsed() {
        for (part, nested) in [
            (
                r#"{"type":"steering-message","parts":[{"type":"text"},0]}"#,
                2,
            ),
            (r#"{"type":"steering\u002dmessage","parts":[0]}"#, 1),
            (r#"{"type":"steering-message","parts":{}}"#, 0),
            (r#"{"type":"steering-message"}"#, 0),
            (r#"{"type":"data-x","parts":[0]}"#, 0),
            ("[]", 0),
        ] {
            assert_eq!(
                UiPart::count_nested(&serde_json::from_str::<Box<RawValue>>(part).unwrap()),
                nested,
                "{part}"
            );
        }
    }

    #[test]
    fn a_bad_part_is_refused_by_field() {
        for (json, field) in [
            (r#"{"text":"x"}"#, "parts[0].type"),
            (r#"{"type":"text"}"#, "parts[0].text"),
            (
                r#"{"type":"text","text":"x","state":"later"}"#,
                "parts[0].state",
            ),
            (
                r#"{"type":"text","text":"x","providerMetadata":[]}"#,
                "parts[0].providerMetadata",
            ),
            (r#"{"type":"file","mediaType":"image/png"}"#, "parts[0].url"),
            (
                r#"{"type":"steering-message","parts":[{"type":"text"}]}"#,
                "parts[0].parts[0].text",
            ),
            (
                r#"{"type":"steering-message","parts":[{"type":"step-start"},{"type":"steering\u002dmessage","parts":[]}]}"#,
                "parts[0].parts[1].type",
            ),
            (
                r#"{"type":"tool-x","toolCallId":"c","state":"done"}"#,
                "parts[0].state",
            ),
            (
                r#"{"type":"dynamic-tool","toolCallId":"c","state":"input-streaming"}"#,
                "parts[0].toolName",
            ),
            (
                r#"{"type":"tool-x","toolCallId":"c","state":"input-available","approval":1}"#,
                "parts[0].approval",
            ),
        ] {
            assert_eq!(parse(json).unwrap_err().field, field, "{json}");
        }
    }
}
