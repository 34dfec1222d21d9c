//! The size of a part in the stream, known before anything is made of it.

use gateway::{FileData, GeneratedFile, Source, SourceKind, StreamPart};
use message::{JsonText, RawJson};

use super::{ANTHROPIC_START, StreamMapper};

/// Bytes for the names, quotes and brackets of a chunk, and for an id that the mapper makes.
const FRAME: usize = 512;

impl StreamMapper {
    /// Returns how many bytes of stream `part` would add: at least what it adds, and at most half a kilobyte more.
    ///
    /// Counts what the mapper itself repeats: metadata that sticks to the deltas of a block, and the id of a block, which
    /// its end carries again.
    pub fn stream_bytes(&self, part: &StreamPart) -> usize {
        FRAME
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
                } => 2 * string(id) + json(provider_metadata),
                StreamPart::TextDelta {
                    id,
                    delta,
                    provider_metadata,
                } => {
                    let sticky = self.first_text.metadata_for(self.text.name(id));
                    let metadata = provider_metadata.as_ref().or(sticky);
                    string(id)
                        + delta.escaped().len()
                        + metadata.map_or(0, |metadata| metadata.get().len())
                }
                StreamPart::ReasoningDelta {
                    id,
                    delta,
                    provider_metadata,
                } => string(id) + delta.escaped().len() + json(provider_metadata),
                StreamPart::TextEnd {
                    id,
                    provider_metadata,
                    citations,
                } => string(id) + json(provider_metadata) + json(citations),
                StreamPart::ReasoningEnd {
                    id,
                    provider_metadata,
                } => string(id) + json(provider_metadata),
                StreamPart::Source { source } => source
                    .as_ref()
                    .filter(|_| self.sends_sources)
                    .map_or(0, of_source),
                StreamPart::File { file } | StreamPart::ReasoningFile { file } => of_file(file),
                StreamPart::Custom { kind, .. } if kind == ANTHROPIC_START => 0,
                StreamPart::Custom {
                    kind,
                    provider_metadata,
                } => string(kind) + json(provider_metadata),
                StreamPart::ToolInputStart {
                    id,
                    tool_name,
                    provider_metadata,
                    ..
                } => string(id) + string(tool_name) + json(provider_metadata),
                StreamPart::ToolInputDelta { id, delta } => string(id) + delta.escaped().len(),
                StreamPart::ToolCall {
                    tool_call_id,
                    tool_name,
                    input,
                    provider_metadata,
                    ..
                } => {
                    // The name stands in the error of a call that cannot be made, too.
                    string(tool_call_id)
                        + 2 * string(tool_name)
                        + input.escaped().len()
                        + json(provider_metadata)
                }
                StreamPart::ToolResult {
                    tool_call_id,
                    result,
                    is_error,
                    provider_metadata,
                    ..
                } => {
                    // An error that is no text becomes one: its quotes are escaped.
                    let result = if *is_error {
                        string(result.get())
                    } else {
                        result.get().len()
                    };
                    string(tool_call_id) + result + json(provider_metadata)
                }
                StreamPart::ToolApprovalRequest {
                    approval_id,
                    tool_call_id,
                    ..
                } => string(approval_id) + string(tool_call_id),
            }
    }
}

fn of_file(file: &GeneratedFile) -> usize {
    let (FileData::Base64(data) | FileData::Url(data)) = &file.data;
    // A `data:` URL names the media type once more.
    2 * string(&file.media_type) + string(data) + json(&file.provider_metadata)
}

fn of_source(source: &Source) -> usize {
    let optional = |text: &Option<JsonText>| text.as_ref().map_or(0, |text| text.escaped().len());
    let kind = match &source.kind {
        SourceKind::Url { url, title } => url.escaped().len() + optional(title),
        SourceKind::Document {
            media_type,
            title,
            filename,
        } => media_type.escaped().len() + title.escaped().len() + optional(filename),
    };
    source.id.escaped().len() + kind + json(&source.provider_metadata)
}

fn json(value: &Option<RawJson>) -> usize {
    value.as_ref().map_or(0, |value| value.get().len())
}

/// Returns the length of `text` inside a JSON string.
fn string(text: &str) -> usize {
    let escape = |byte: u8| match byte {
        b'"' | b'\\' => 1,
        0..=0x1f => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(escape).sum::<usize>()
}
