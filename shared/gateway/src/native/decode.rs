//! The decoder of the AI Gateway's own protocol: the data of an event in, a [`StreamPart`] out.
//!
//! Knows the JSON of `LanguageModelV4StreamPart`, and its older forms where they differ. Does not
//! know events, blocks or the order of parts.

use std::borrow::Cow;

use json::{
    JsonText, RawJson, as_bool, as_object, as_str, as_string, has_forbidden_key, is_object,
};
use message::{FileData, GeneratedFile, StreamPart};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::citations::citations;
use super::metadata::metadata;
use super::source::source;
use super::usage::{finish_reason, usage};
use crate::adapter::EventDecoder;
use crate::error::PartError;

/// A decoder of single events. Counts those of unknown types.
#[derive(Debug, Default)]
pub(super) struct NativeDecoder {
    skipped: u64,
}

impl NativeDecoder {
    /// Decodes the part in `event`. `None` for an event without one: `[DONE]`, a provider's raw
    /// chunk, or a part of an unknown type.
    ///
    /// # Errors
    /// The event is not JSON, has a forbidden key, or lacks a field that its type must have.
    fn decode(&mut self, event: &[u8]) -> Result<Option<StreamPart>, PartError> {
        if event == b"[DONE]" {
            return Ok(None);
        }
        // As the original's text decoder does: what is no UTF-8 becomes U+FFFD.
        let json =
            str::from_utf8(event).map_or_else(|_| String::from_utf8_lossy(event), Cow::Borrowed);
        let wire = WirePart::parse(&json)?;
        if has_forbidden_key(&json) {
            return Err(PartError::ForbiddenKey);
        }
        let Some(wire) = wire else {
            return Ok(self.skip());
        };
        let Some(kind) = wire.r#type.and_then(as_str) else {
            return Ok(self.skip());
        };
        match wire.part(&kind, &json) {
            Ok(None) if kind != "raw" => Ok(self.skip()),
            Ok(part) => Ok(part),
            Err(Missing(field)) => Err(PartError::Field {
                part: kind.into_owned(),
                field,
            }),
        }
    }

    fn skip(&mut self) -> Option<StreamPart> {
        self.skipped += 1;
        None
    }
}

impl EventDecoder for NativeDecoder {
    fn push(&mut self, event: &[u8], parts: &mut Vec<StreamPart>) -> Result<(), PartError> {
        parts.extend(self.decode(event)?);
        Ok(())
    }

    fn skipped(&self) -> u64 {
        self.skipped
    }
}

/// The fields of all types of parts, found in one pass over the event and not copied. `null` counts
/// as absent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePart<'a> {
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    provider_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    citations: Option<&'a RawValue>,
    #[serde(borrow)]
    warnings: Option<&'a RawValue>,
    #[serde(borrow)]
    model_id: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    media_type: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    title: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_call_id: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_name: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    is_error: Option<&'a RawValue>,
    #[serde(borrow)]
    provider_executed: Option<&'a RawValue>,
    #[serde(borrow)]
    dynamic: Option<&'a RawValue>,
    #[serde(borrow)]
    approval_id: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

/// A required field that is absent or not of its type.
struct Missing(&'static str);

impl<'a> WirePart<'a> {
    /// Parses an event. `None` for JSON that is not an object.
    fn parse(json: &'a str) -> Result<Option<Self>, PartError> {
        let read = if json.trim_ascii_start().starts_with('{') {
            serde_json::from_str(json).map(Some)
        } else {
            serde_json::from_str::<IgnoredAny>(json).map(|_| None)
        };
        read.map_err(PartError::Json)
    }

    /// Converts the wire form into a part. `None` for a type that has no [`StreamPart`].
    fn part(&self, kind: &str, json: &str) -> Result<Option<StreamPart>, Missing> {
        let provider_metadata = || metadata(self.provider_metadata);
        Ok(Some(match kind {
            "text-delta" => StreamPart::TextDelta {
                id: self.id()?,
                delta: self.delta()?,
                provider_metadata: provider_metadata(),
            },
            "reasoning-delta" => StreamPart::ReasoningDelta {
                id: self.id()?,
                delta: self.delta()?,
                provider_metadata: provider_metadata(),
            },
            "tool-input-delta" => StreamPart::ToolInputDelta {
                id: self.id()?,
                delta: self.delta()?,
            },
            "text-start" => StreamPart::TextStart {
                id: self.id()?,
                provider_metadata: provider_metadata(),
            },
            "text-end" => StreamPart::TextEnd {
                id: self.id()?,
                provider_metadata: provider_metadata(),
                citations: citations(self.citations),
            },
            "reasoning-start" => StreamPart::ReasoningStart {
                id: self.id()?,
                provider_metadata: provider_metadata(),
            },
            "reasoning-end" => StreamPart::ReasoningEnd {
                id: self.id()?,
                provider_metadata: provider_metadata(),
            },
            "stream-start" => StreamPart::StreamStart {
                warnings: self.warnings.map(RawJson::from),
            },
            "response-metadata" => StreamPart::ResponseMetadata {
                id: self.id.and_then(as_string),
                model_id: self.model_id.and_then(as_string),
                timestamp: self.timestamp.and_then(as_string),
            },
            "ping" => StreamPart::Ping,
            "source" => StreamPart::Source {
                source: source(json),
            },
            "file" => StreamPart::File { file: self.file()? },
            "reasoning-file" => StreamPart::ReasoningFile { file: self.file()? },
            "custom" => StreamPart::Custom {
                kind: string(self.kind, "kind")?,
                provider_metadata: provider_metadata(),
            },
            "tool-input-start" => StreamPart::ToolInputStart {
                id: self.id()?,
                tool_name: self.tool_name()?,
                title: self.title.and_then(as_string),
                provider_executed: self.provider_executed.and_then(as_bool),
                dynamic: self.dynamic.and_then(as_bool),
                provider_metadata: provider_metadata(),
            },
            "tool-input-end" => StreamPart::ToolInputEnd { id: self.id()? },
            "tool-call" => StreamPart::ToolCall {
                tool_call_id: self.tool_call_id()?,
                tool_name: self.tool_name()?,
                input: text(self.input, "input")?,
                provider_executed: self.provider_executed.and_then(as_bool),
                dynamic: self.dynamic.and_then(as_bool),
                provider_metadata: provider_metadata(),
            },
            "tool-result" => StreamPart::ToolResult {
                tool_call_id: self.tool_call_id()?,
                tool_name: self.tool_name()?,
                result: self.result.map_or_else(RawJson::null, RawJson::from),
                is_error: self.is_error.and_then(as_bool).unwrap_or(false),
                dynamic: self.dynamic.and_then(as_bool),
                provider_metadata: provider_metadata(),
            },
            "tool-approval-request" => StreamPart::ToolApprovalRequest {
                approval_id: string(self.approval_id, "approvalId")?,
                tool_call_id: self.tool_call_id()?,
                provider_metadata: provider_metadata(),
            },
            "error" => StreamPart::Error {
                error: self.error.map_or_else(RawJson::null, RawJson::from),
            },
            "finish" => StreamPart::Finish {
                finish_reason: finish_reason(self.finish_reason),
                usage: usage(self.usage),
                provider_metadata: provider_metadata(),
            },
            _ => return Ok(None),
        }))
    }

    fn id(&self) -> Result<String, Missing> {
        string(self.id, "id")
    }

    fn delta(&self) -> Result<JsonText, Missing> {
        text(self.delta, "delta")
    }

    fn tool_call_id(&self) -> Result<String, Missing> {
        string(self.tool_call_id, "toolCallId")
    }

    fn tool_name(&self) -> Result<String, Missing> {
        string(self.tool_name, "toolName")
    }

    fn file(&self) -> Result<GeneratedFile, Missing> {
        Ok(GeneratedFile {
            media_type: string(self.media_type, "mediaType")?,
            data: self.data.and_then(file_data).ok_or(Missing("data"))?,
            provider_metadata: metadata(self.provider_metadata),
        })
    }
}

/// Parses the content of a file: a tagged object, or plain base64 before V4.
fn file_data(value: &RawValue) -> Option<FileData> {
    #[derive(Deserialize)]
    struct WireData<'a> {
        #[serde(borrow)]
        r#type: Option<&'a RawValue>,
        #[serde(borrow)]
        data: Option<&'a RawValue>,
        #[serde(borrow)]
        url: Option<&'a RawValue>,
    }

    if !is_object(value) {
        return as_string(value).map(FileData::Base64);
    }
    let wire: WireData<'_> = as_object(value)?;
    match &*as_str(wire.r#type?)? {
        "data" => wire.data.and_then(as_string).map(FileData::Base64),
        "url" => wire.url.and_then(as_string).map(FileData::Url),
        _ => None,
    }
}

fn string(value: Option<&RawValue>, field: &'static str) -> Result<String, Missing> {
    value.and_then(as_string).ok_or(Missing(field))
}

fn text(value: Option<&RawValue>, field: &'static str) -> Result<JsonText, Missing> {
    value.and_then(JsonText::from_token).ok_or(Missing(field))
}

#[cfg(test)]
mod tests;
