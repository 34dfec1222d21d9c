//! The parts of a model's answer, in the AI SDK's terms.

use json::{JsonText, RawJson};

use crate::{FinishReason, Usage};

/// One part of a model's answer (`LanguageModelV4StreamPart` of the AI SDK).
///
/// Texts keep their JSON escapes, metadata is unparsed JSON. A field that the provider omitted, or
/// sent as `null`, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPart {
    /// The call was accepted. Warnings are only logged.
    StreamStart { warnings: Option<RawJson> },
    /// The response's id, model and time; may come more than once.
    ResponseMetadata {
        id: Option<String>,
        model_id: Option<String>,
        timestamp: Option<String>,
    },
    /// A sign of life.
    Ping,
    /// A text block begins. `id` is unique among open blocks of its kind only.
    TextStart {
        id: String,
        provider_metadata: Option<RawJson>,
    },
    /// More of a text block.
    TextDelta {
        id: String,
        delta: JsonText,
        provider_metadata: Option<RawJson>,
    },
    /// A text block is complete.
    TextEnd {
        id: String,
        provider_metadata: Option<RawJson>,
        citations: Option<RawJson>,
    },
    /// A reasoning block begins.
    ReasoningStart {
        id: String,
        provider_metadata: Option<RawJson>,
    },
    /// More of a reasoning block.
    ReasoningDelta {
        id: String,
        delta: JsonText,
        provider_metadata: Option<RawJson>,
    },
    /// A reasoning block is complete.
    ReasoningEnd {
        id: String,
        provider_metadata: Option<RawJson>,
    },
    /// A source of the answer; `None` if no client would accept its form.
    Source { source: Option<Source> },
    /// A file that the model generated.
    File { file: GeneratedFile },
    /// A file that the model generated while it reasoned.
    ReasoningFile { file: GeneratedFile },
    /// Content that only one provider has; `kind` is `provider.name`.
    Custom {
        kind: String,
        provider_metadata: Option<RawJson>,
    },
    /// The input of a tool call begins; `id` is the call's.
    ToolInputStart {
        id: String,
        tool_name: String,
        title: Option<String>,
        provider_executed: Option<bool>,
        dynamic: Option<bool>,
        provider_metadata: Option<RawJson>,
    },
    /// More of a tool call's input.
    ToolInputDelta { id: String, delta: JsonText },
    /// The input of a tool call is complete.
    ToolInputEnd { id: String },
    /// A tool is called; `input` should be JSON, but is text from the model.
    ToolCall {
        tool_call_id: String,
        tool_name: String,
        input: JsonText,
        provider_executed: Option<bool>,
        dynamic: Option<bool>,
        provider_metadata: Option<RawJson>,
    },
    /// The result of a tool that the provider ran itself.
    ToolResult {
        tool_call_id: String,
        tool_name: String,
        result: RawJson,
        is_error: bool,
        dynamic: Option<bool>,
        provider_metadata: Option<RawJson>,
    },
    /// The provider asks for approval of a tool call.
    ToolApprovalRequest {
        approval_id: String,
        tool_call_id: String,
        provider_metadata: Option<RawJson>,
    },
    /// The model call failed; more parts may follow. The value is the provider's and must not be
    /// shown to users.
    Error { error: RawJson },
    /// The answer is complete; `usage` is `None` if the provider reported none.
    Finish {
        finish_reason: FinishReason,
        usage: Option<Usage>,
        provider_metadata: Option<RawJson>,
    },
}

/// A source of an answer. Its texts are the provider's; its URL is not validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The id that the provider gave it.
    pub id: JsonText,
    /// The kind of source.
    pub kind: SourceKind,
    /// As it came.
    pub provider_metadata: Option<RawJson>,
}

/// The kind of a [`Source`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A page of the web.
    Url {
        url: JsonText,
        title: Option<JsonText>,
    },
    /// A file.
    Document {
        media_type: JsonText,
        title: JsonText,
        filename: Option<JsonText>,
    },
}

/// A file that a model generated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// The media type, for example `image/png`.
    pub media_type: String,
    /// The bytes, or their address.
    pub data: FileData,
    /// As it came.
    pub provider_metadata: Option<RawJson>,
}

/// The bytes of a [`GeneratedFile`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileData {
    /// Standard base64.
    Base64(String),
    /// An address that the browser can load.
    Url(String),
}
