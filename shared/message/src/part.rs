//! The parts of a message, as `useChat` of `ai` 5 to 7 holds and sends them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::object::array_items;
use crate::{Invalid, JsonText, Object, RawJson, unquoted};

/// One part of a [`crate::UiMessage`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(transform = crate::openapi::objects))]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum UiPart {
    /// What was said.
    Text {
        text: JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<PartState>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        /// What the text rests on; not shown to the model.
        #[serde(skip_serializing_if = "Option::is_none")]
        citations: Option<RawJson>,
    },
    /// What was thought.
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        text: JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<PartState>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// A file by URL: `https:` or `data:`.
    File {
        /// Left out by some clients; the prompt needs it.
        #[serde(skip_serializing_if = "Option::is_none")]
        media_type: Option<String>,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
        /// Where the provider holds the file, instead of the URL.
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_reference: Option<RawJson>,
    },
    /// A file that the model made while it reasoned.
    ReasoningFile {
        media_type: String,
        url: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// Something that only one provider has; `kind` is `provider.name`.
    Custom {
        kind: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_metadata: Option<RawJson>,
    },
    /// Where a model call began.
    StepStart,
    /// What the user said to steer a running answer.
    SteeringMessage {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        #[cfg_attr(feature = "openapi", schemars(length(max = MOST_STEERING_PARTS)))]
        #[cfg_attr(feature = "openapi", schemars(transform = crate::openapi::without_steering_messages))]
        parts: Vec<UiPart>,
    },
    /// A call of a tool and what came of it.
    #[serde(untagged)]
    Tool(ToolPart),
    /// Sources, `data-*` and whatever comes later: kept, and not shown to the model.
    #[serde(untagged)]
    Other(#[cfg_attr(feature = "openapi", schemars(with = "crate::openapi::OtherPart"))] RawJson),
}

/// Whether more of a part is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PartState {
    /// It is being written.
    Streaming,
    /// It is whole.
    Done,
}

/// A call of a tool. `kind` is `tool-<name>` or `dynamic-tool`, which has its name in `tool_name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "openapi", schemars(transform = crate::openapi::tool))]
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
    /// The tool's name.
    pub fn name(&self) -> &str {
        match &self.tool_name {
            Some(name) => name,
            None => self.kind.strip_prefix("tool-").unwrap_or(&self.kind),
        }
    }
}

/// How far a tool call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ToolState {
    /// Its input is being written.
    InputStreaming,
    /// Its input is whole, its result not there.
    InputAvailable,
    /// The user has been asked.
    ApprovalRequested,
    /// The user has answered.
    ApprovalResponded,
    /// It has its result.
    OutputAvailable,
    /// It failed.
    OutputError,
    /// The user said no.
    OutputDenied,
}

/// The question whether a tool may run, and the user's answer.
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
    /// Reads the parts under `parts` of a message; `path` is its own.
    pub fn parse_all(fields: &Object<'_>, path: &str) -> Result<Vec<Self>, Invalid> {
        Self::parse_each(fields.array("parts", usize::MAX)?, path)
    }

    /// Counts the parts inside `part` without reading them. Only a steering-message holds any, at most 16: of one with
    /// more, or that cannot be read, none are counted, since [`UiPart::parse`] refuses it.
    pub fn count_nested(part: &RawValue) -> usize {
        let outline = Outline::of(part).filter(Outline::is_steering_message);
        let nested = outline.and_then(|outline| array_items(outline.parts?, MOST_STEERING_PARTS));
        nested.map_or(0, |parts| parts.len())
    }

    fn parse_each(parts: Vec<&RawValue>, path: &str) -> Result<Vec<Self>, Invalid> {
        let numbered = parts.into_iter().enumerate();
        numbered
            .map(|(index, part)| Self::parse(part, &format!("{path}.parts[{index}]")))
            .collect()
    }

    /// Reads the parts of a stored message from their JSON text, an array.
    pub fn parse_stored(parts: &str) -> Result<Vec<Self>, Invalid> {
        let values: Vec<&RawValue> = serde_json::from_str(parts)
            .map_err(|error| Invalid::new("parts", error.to_string()))?;
        let numbered = values.into_iter().enumerate();
        numbered
            .map(|(index, part)| Self::parse(part, &format!("parts[{index}]")))
            .collect()
    }

    /// Reads one part; `path` stands in errors, for example `messages[0].parts[1]`.
    pub fn parse(value: &RawValue, path: &str) -> Result<Self, Invalid> {
        let fields = Object::parse(value, path)?;
        let kind = fields.string("type")?;
        Ok(match kind.as_str() {
            "text" => Self::Text {
                text: fields.text("text")?,
                state: part_state(&fields)?,
                provider_metadata: fields.optional_object("providerMetadata")?,
                citations: fields.optional_json("citations"),
            },
            "reasoning" => Self::Reasoning {
                id: fields.optional_string("id")?,
                text: fields.text("text")?,
                state: part_state(&fields)?,
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
                parts: steering_parts(&fields, path)?,
            },
            name if name == "dynamic-tool" || name.starts_with("tool-") => {
                Self::Tool(tool(kind, &fields)?)
            }
            _ => Self::Other(RawJson::new(value.to_owned())),
        })
    }
}

const STEERING_MESSAGE: &str = "steering-message";

/// The most parts of one steering-message.
const MOST_STEERING_PARTS: usize = 16;

/// The two fields that tell how many parts a part holds.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    parts: Option<&'a RawValue>,
}

impl<'a> Outline<'a> {
    fn of(part: &'a RawValue) -> Option<Self> {
        serde_json::from_str(part.get()).ok()
    }

    fn is_steering_message(&self) -> bool {
        self.r#type.and_then(|kind| unquoted(kind.get())).as_deref() == Some(STEERING_MESSAGE)
    }
}

/// Reads the parts of a steering-message. One inside another is refused before it is read, since each level could hold
/// sixteen times as many parts.
fn steering_parts(fields: &Object<'_>, path: &str) -> Result<Vec<UiPart>, Invalid> {
    let parts = fields.array("parts", MOST_STEERING_PARTS)?;
    let is_nested =
        |part: &&RawValue| Outline::of(part).is_some_and(|outline| outline.is_steering_message());
    if let Some(index) = parts.iter().position(is_nested) {
        let field = format!("{path}.parts[{index}].type");
        return Err(Invalid::new(
            field,
            "must not be steering-message inside a steering-message",
        ));
    }
    UiPart::parse_each(parts, path)
}

fn tool(kind: String, fields: &Object<'_>) -> Result<ToolPart, Invalid> {
    let tool_name = if kind == "dynamic-tool" {
        Some(fields.string("toolName")?)
    } else {
        None
    };
    Ok(ToolPart {
        tool_name,
        kind,
        tool_call_id: fields.string("toolCallId")?,
        state: tool_state(fields)?,
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
            .map(|value| approval(value, fields.path("approval")))
            .transpose()?,
    })
}

fn approval(value: &RawValue, path: String) -> Result<Approval, Invalid> {
    let fields = Object::parse(value, path)?;
    Ok(Approval {
        id: fields.string("id")?,
        approved: fields.optional_bool("approved")?,
        reason: fields.optional_text("reason")?,
    })
}

fn part_state(fields: &Object<'_>) -> Result<Option<PartState>, Invalid> {
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

fn tool_state(fields: &Object<'_>) -> Result<ToolState, Invalid> {
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
    fn a_part_is_written_as_it_was_read() {
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
    fn nested_parts_are_counted_unread() {
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
