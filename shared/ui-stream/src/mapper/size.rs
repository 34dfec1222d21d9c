//! The size of a part in the stream, computed before the part is mapped.

use json::{JsonText, RawJson};
use message::{FileData, GeneratedFile, Source, SourceKind, StreamPart};

use super::{ANTHROPIC_START, StreamMapper};

/// The bytes for the names, quotes and brackets of a chunk, and for an id that the mapper
/// generates.
const FRAME_BYTES: usize = 512;

impl StreamMapper {
    /// Returns an upper bound of the bytes of stream that `part` adds, which exceeds them by at
    /// most half a kilobyte.
    ///
    /// Includes what the mapper itself repeats: metadata that sticks to the deltas of a block, and
    /// the id of a block, which its end carries again.
    pub fn stream_bytes(&self, part: &StreamPart) -> usize {
        FRAME_BYTES
            + match part {
                StreamPart::StreamStart { .. }
                | StreamPart::ResponseMetadata { .. }
                | StreamPart::Ping
                | StreamPart::ToolInputEnd { .. }
                | StreamPart::Error { .. }
                | StreamPart::Finish { .. } => 0,
                StreamPart::TextStart {
                    id,
                    provider_metadata,
                }
                | StreamPart::ReasoningStart {
                    id,
                    provider_metadata,
                } => 2 * string_bytes(id) + json_bytes(provider_metadata),
                StreamPart::TextDelta {
                    id,
                    delta,
                    provider_metadata,
                } => {
                    let sticky = self.first_text.metadata_for(self.text.name(id));
                    let metadata = provider_metadata.as_ref().or(sticky);
                    string_bytes(id)
                        + delta.escaped().len()
                        + metadata.map_or(0, |metadata| metadata.get().len())
                }
                StreamPart::ReasoningDelta {
                    id,
                    delta,
                    provider_metadata,
                } => string_bytes(id) + delta.escaped().len() + json_bytes(provider_metadata),
                StreamPart::TextEnd {
                    id,
                    provider_metadata,
                    citations,
                } => string_bytes(id) + json_bytes(provider_metadata) + json_bytes(citations),
                StreamPart::ReasoningEnd {
                    id,
                    provider_metadata,
                } => string_bytes(id) + json_bytes(provider_metadata),
                StreamPart::Source { source } => source
                    .as_ref()
                    .filter(|_| self.sends_sources)
                    .map_or(0, source_bytes),
                StreamPart::File { file } | StreamPart::ReasoningFile { file } => file_bytes(file),
                StreamPart::Custom { kind, .. } if kind == ANTHROPIC_START => 0,
                StreamPart::Custom {
                    kind,
                    provider_metadata,
                } => string_bytes(kind) + json_bytes(provider_metadata),
                StreamPart::ToolInputStart {
                    id,
                    tool_name,
                    provider_metadata,
                    ..
                } => string_bytes(id) + string_bytes(tool_name) + json_bytes(provider_metadata),
                StreamPart::ToolInputDelta { id, delta } => {
                    string_bytes(id) + delta.escaped().len()
                }
                StreamPart::ToolCall {
                    tool_call_id,
                    tool_name,
                    input,
                    provider_metadata,
                    ..
                } => {
                    // The error of a call that cannot be made contains the name too.
                    string_bytes(tool_call_id)
                        + 2 * string_bytes(tool_name)
                        + input.escaped().len()
                        + json_bytes(provider_metadata)
                }
                StreamPart::ToolResult {
                    tool_call_id,
                    result,
                    is_error,
                    provider_metadata,
                    ..
                } => {
                    // An error that is not text is serialized as text: its quotes are escaped.
                    let result = if *is_error {
                        string_bytes(result.get())
                    } else {
                        result.get().len()
                    };
                    string_bytes(tool_call_id) + result + json_bytes(provider_metadata)
                }
                StreamPart::ToolApprovalRequest {
                    approval_id,
                    tool_call_id,
                    ..
                } => string_bytes(approval_id) + string_bytes(tool_call_id),
            }
    }
}

fn file_bytes(file: &GeneratedFile) -> usize {
    let (FileData::Base64(data) | FileData::Url(data)) = &file.data;
    // A `data:` URL repeats the media type.
    2 * string_bytes(&file.media_type) + string_bytes(data) + json_bytes(&file.provider_metadata)
}

fn source_bytes(source: &Source) -> usize {
    let optional = |text: &Option<JsonText>| text.as_ref().map_or(0, |text| text.escaped().len());
    let kind = match &source.kind {
        SourceKind::Url { url, title } => url.escaped().len() + optional(title),
        SourceKind::Document {
            media_type,
            title,
            filename,
        } => media_type.escaped().len() + title.escaped().len() + optional(filename),
    };
    source.id.escaped().len() + kind + json_bytes(&source.provider_metadata)
}

fn json_bytes(value: &Option<RawJson>) -> usize {
    value.as_ref().map_or(0, |value| value.get().len())
}

/// Returns the length of `text` inside a JSON string.
fn string_bytes(text: &str) -> usize {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' => 1,
        0..=0x1f => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(escape).sum::<usize>()
}
