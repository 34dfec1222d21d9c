//! Decoding of chunks from the bytes of an encoded stream: the inverse of
//! [`UiMessageChunk::encode`].
//!
//! Written by hand instead of deriving `Deserialize`: an internally tagged enum cannot carry raw
//! JSON, and the errors of the derived code do not name the field.

use json::{Invalid, Object, RawJson};
use message::{AnswerMetadata, UnifiedFinishReason};
use serde_json::value::RawValue;

use crate::events::{EVENT_END, Events};
use crate::{DONE, UiMessageChunk};

impl UiMessageChunk {
    /// Decodes the chunks of a stream, or of any sequence of its events. Comments and `[DONE]` are
    /// skipped, and an incomplete event at the end is ignored.
    ///
    /// # Errors
    /// A chunk is of an `unknown_type` type, or was not written by [`UiMessageChunk::encode`]. The
    /// chunks
    /// after it can still be decoded.
    pub fn decode_all(stream: &[u8]) -> impl Iterator<Item = Result<Self, Invalid>> {
        Events::new(stream)
            .filter(|event| DONE.strip_suffix(EVENT_END) != Some(*event))
            .filter_map(|event| {
                let data = event.strip_prefix(b"data: ")?;
                Some(decode(data))
            })
    }
}

fn decode(data: &[u8]) -> Result<UiMessageChunk, Invalid> {
    let malformed =
        |cause: &dyn std::error::Error| Invalid::new("data", format!("must be JSON ({cause})"));
    let text = std::str::from_utf8(data).map_err(|error| malformed(&error))?;
    let chunk: &RawValue = serde_json::from_str(text).map_err(|error| malformed(&error))?;
    let fields = Object::parse(chunk, "")?;
    match fields.string("type")?.as_str() {
        kind if kind.starts_with("tool-") => decode_tool_chunk(kind, &fields),
        kind if is_part_chunk(kind) => Ok(UiMessageChunk::Part(RawJson::new(chunk.to_owned()))),
        kind => decode_plain_chunk(kind, &fields),
    }
}

/// The types of parts that are also chunks, besides those that begin with [`DATA_PREFIX`].
pub(crate) const SOURCE_TYPES: [&str; 2] = ["source-url", "source-document"];

/// The prefix of the types of an application's own parts.
pub(crate) const DATA_PREFIX: &str = "data-";

/// Returns true if a part of this type is also a chunk.
pub(crate) fn is_part_chunk(kind: &str) -> bool {
    SOURCE_TYPES.contains(&kind) || kind.starts_with(DATA_PREFIX)
}

fn decode_plain_chunk(kind: &str, fields: &Object<'_>) -> Result<UiMessageChunk, Invalid> {
    let id = || fields.string("id");
    let provider_metadata = fields.optional_json("providerMetadata");
    Ok(match kind {
        "start" => UiMessageChunk::Start {
            message_id: fields.string("messageId")?,
            message_metadata: decode_metadata(fields)?,
        },
        "message-metadata" => UiMessageChunk::MessageMetadata {
            message_metadata: decode_metadata(fields)?
                .ok_or_else(|| Invalid::new("messageMetadata", "must be an object"))?,
        },
        "start-step" => UiMessageChunk::StartStep,
        "text-start" => UiMessageChunk::TextStart {
            id: id()?,
            provider_metadata,
        },
        "text-delta" => UiMessageChunk::TextDelta {
            id: id()?,
            delta: fields.text("delta")?,
            provider_metadata,
        },
        "text-end" => UiMessageChunk::TextEnd {
            id: id()?,
            citations: fields.optional_json("citations"),
            provider_metadata,
        },
        "reasoning-start" => UiMessageChunk::ReasoningStart {
            id: id()?,
            provider_metadata,
        },
        "reasoning-delta" => UiMessageChunk::ReasoningDelta {
            id: id()?,
            delta: fields.text("delta")?,
            provider_metadata,
        },
        "reasoning-end" => UiMessageChunk::ReasoningEnd {
            id: id()?,
            provider_metadata,
        },
        "file" => UiMessageChunk::File {
            media_type: fields.string("mediaType")?,
            url: fields.string("url")?,
            provider_metadata,
        },
        "reasoning-file" => UiMessageChunk::ReasoningFile {
            media_type: fields.string("mediaType")?,
            url: fields.string("url")?,
            provider_metadata,
        },
        "custom" => UiMessageChunk::Custom {
            kind: fields.string("kind")?,
            provider_metadata,
        },
        "error" => UiMessageChunk::Error {
            error_text: fields.string("errorText")?,
        },
        "finish-step" => UiMessageChunk::FinishStep,
        "finish" => UiMessageChunk::Finish {
            finish_reason: UnifiedFinishReason::from_name(&fields.string("finishReason")?),
            message_metadata: decode_metadata(fields)?,
        },
        "abort" => UiMessageChunk::Abort,
        _ => return Err(unknown_type(kind)),
    })
}

fn decode_tool_chunk(kind: &str, fields: &Object<'_>) -> Result<UiMessageChunk, Invalid> {
    let tool_call_id = fields.string("toolCallId")?;
    let tool_name = || fields.string("toolName");
    let json = |key| fields.optional_json(key).unwrap_or_else(RawJson::null);
    let provider_executed = fields.optional_bool("providerExecuted")?;
    let provider_metadata = fields.optional_json("providerMetadata");
    let dynamic = fields.optional_bool("dynamic")?;
    let is_dynamic = dynamic.unwrap_or_default();
    Ok(match kind {
        "tool-input-start" => UiMessageChunk::ToolInputStart {
            tool_call_id,
            tool_name: tool_name()?,
            provider_executed,
            provider_metadata,
            dynamic: is_dynamic,
        },
        "tool-input-delta" => UiMessageChunk::ToolInputDelta {
            tool_call_id,
            input_text_delta: fields.text("inputTextDelta")?,
        },
        "tool-input-available" => UiMessageChunk::ToolInputAvailable {
            tool_call_id,
            tool_name: tool_name()?,
            input: json("input"),
            provider_executed,
            provider_metadata,
            dynamic: is_dynamic,
        },
        "tool-input-error" => UiMessageChunk::ToolInputError {
            tool_call_id,
            tool_name: tool_name()?,
            input: json("input"),
            provider_executed,
            provider_metadata,
            dynamic: is_dynamic,
            error_text: fields.text("errorText")?,
        },
        "tool-approval-request" => UiMessageChunk::ToolApprovalRequest {
            approval_id: fields.string("approvalId")?,
            tool_call_id,
        },
        "tool-output-available" => UiMessageChunk::ToolOutputAvailable {
            tool_call_id,
            output: json("output"),
            provider_executed,
            provider_metadata,
            dynamic,
        },
        "tool-output-error" => UiMessageChunk::ToolOutputError {
            tool_call_id,
            error_text: fields.text("errorText")?,
            provider_executed,
            provider_metadata,
            dynamic,
        },
        "tool-output-denied" => UiMessageChunk::ToolOutputDenied { tool_call_id },
        _ => return Err(unknown_type(kind)),
    })
}

fn unknown_type(kind: &str) -> Invalid {
    Invalid::new(
        "type",
        format!("must be a known type of chunk, not {kind:?}"),
    )
}

fn decode_metadata(fields: &Object<'_>) -> Result<Option<Box<AnswerMetadata>>, Invalid> {
    let Some(metadata) = fields.get("messageMetadata") else {
        return Ok(None);
    };
    serde_json::from_str(metadata.get())
        .map(Some)
        .map_err(|error| Invalid::new("messageMetadata", format!("must be an answer's ({error})")))
}

#[cfg(test)]
mod tests;
