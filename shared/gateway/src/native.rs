//! The decoder of the AI Gateway's own protocol: the data of an event in, a [`StreamPart`] out.
//!
//! Knows the JSON of `LanguageModelV4StreamPart`, and its older forms where they differ. Does not
//! know events, blocks or the order of parts.

mod citations;
mod source;

use std::borrow::Cow;

use json::{
    JsonText, RawJson, has_forbidden_key, has_number_out_of_range, object_fields, unquoted,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use self::citations::citations;
use self::source::source;
use crate::error::PartError;
use crate::usage::{finish_reason, usage};
use message::{FileData, GeneratedFile, StreamPart};

/// A decoder of single events. Counts those of unknown types.
#[derive(Debug, Default)]
pub(crate) struct NativeDecoder {
    skipped: u64,
}

impl NativeDecoder {
    /// Decodes the part in `event`. `None` for an event without one: `[DONE]`, a provider's raw
    /// chunk, or a part of an unknown type.
    ///
    /// # Errors
    /// The event is not JSON, has a forbidden key, or lacks a field that its type must have.
    pub(crate) fn push(&mut self, event: &[u8]) -> Result<Option<StreamPart>, PartError> {
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
        let Some(kind) = wire.r#type.and_then(decoded) else {
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

    /// Returns the number of parts of unknown types.
    pub(crate) fn skipped(&self) -> u64 {
        self.skipped
    }

    fn skip(&mut self) -> Option<StreamPart> {
        self.skipped += 1;
        None
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
                warnings: self.warnings.map(to_raw_json),
            },
            "response-metadata" => StreamPart::ResponseMetadata {
                id: optional_string(self.id),
                model_id: optional_string(self.model_id),
                timestamp: optional_string(self.timestamp),
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
                title: optional_string(self.title),
                provider_executed: flag(self.provider_executed),
                dynamic: flag(self.dynamic),
                provider_metadata: provider_metadata(),
            },
            "tool-input-end" => StreamPart::ToolInputEnd { id: self.id()? },
            "tool-call" => StreamPart::ToolCall {
                tool_call_id: self.tool_call_id()?,
                tool_name: self.tool_name()?,
                input: text(self.input, "input")?,
                provider_executed: flag(self.provider_executed),
                dynamic: flag(self.dynamic),
                provider_metadata: provider_metadata(),
            },
            "tool-result" => StreamPart::ToolResult {
                tool_call_id: self.tool_call_id()?,
                tool_name: self.tool_name()?,
                result: self.result.map_or_else(RawJson::null, to_raw_json),
                is_error: flag(self.is_error).unwrap_or(false),
                dynamic: flag(self.dynamic),
                provider_metadata: provider_metadata(),
            },
            "tool-approval-request" => StreamPart::ToolApprovalRequest {
                approval_id: string(self.approval_id, "approvalId")?,
                tool_call_id: self.tool_call_id()?,
                provider_metadata: provider_metadata(),
            },
            "error" => StreamPart::Error {
                error: self.error.map_or_else(RawJson::null, to_raw_json),
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

    if !value.get().starts_with('{') {
        return decoded(value).map(|base64| FileData::Base64(base64.into_owned()));
    }
    let wire: WireData<'_> = serde_json::from_str(value.get()).ok()?;
    match &*decoded(wire.r#type?)? {
        "data" => optional_string(wire.data).map(FileData::Base64),
        "url" => optional_string(wire.url).map(FileData::Url),
        _ => None,
    }
}

/// Returns the text of a JSON string.
fn decoded(value: &RawValue) -> Option<Cow<'_, str>> {
    unquoted(value.get())
}

fn optional_string(value: Option<&RawValue>) -> Option<String> {
    value.and_then(decoded).map(Cow::into_owned)
}

fn string(value: Option<&RawValue>, field: &'static str) -> Result<String, Missing> {
    optional_string(value).ok_or(Missing(field))
}

fn text(value: Option<&RawValue>, field: &'static str) -> Result<JsonText, Missing> {
    value.and_then(JsonText::from_token).ok_or(Missing(field))
}

fn flag(value: Option<&RawValue>) -> Option<bool> {
    match value?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn to_raw_json(value: &RawValue) -> RawJson {
    RawJson::new(value.to_owned())
}

/// The maximum number of providers in metadata. An event of 12 MB may name a million, each of which
/// takes a hundred bytes here.
const MAX_PROVIDERS: usize = 1_000;

/// Returns the metadata if it is an object of objects with finite numbers. Every client refuses a
/// chunk with anything else, and an invisible detail is not worth the answer.
fn metadata(value: Option<&RawValue>) -> Option<RawJson> {
    let value = value.filter(|value| value.get().starts_with('{'))?;
    let providers = object_fields(value, MAX_PROVIDERS)?;
    let fits = providers
        .values()
        .all(|provider| provider.get().starts_with('{'))
        && !has_number_out_of_range(value.get());
    fits.then(|| to_raw_json(value))
}

#[cfg(test)]
mod tests;
