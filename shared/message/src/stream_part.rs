//! The parts of a model's answer, in the AI SDK's terms.

use message::{FinishReason, JsonText, RawJson, Usage};

/// One part of a model's answer (`LanguageModelV4StreamPart` of the AI SDK).
///
/// Texts keep their JSON escapes, metadata is `to_raw_json` as it came. A field that the provider left out, or sent as
/// `null`, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamPart {
    /// The call was accepted. Warnings are for the log.
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
    /// Something that the answer rests on; `None` if it is named in a way that no client accepts.
    Source { source: Option<Source> },
    /// A file that the model made.
    File { file: GeneratedFile },
    /// A file that the model made while it reasoned.
    ReasoningFile { file: GeneratedFile },
    /// Something that only one provider has; `kind` is `provider.name`.
    Custom {
        kind: String,
        provider_metadata: Option<RawJson>,
    },
    /// The input of a tool call begins to be written; `id` is the call's.
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
    /// A tool call's input is written.
    ToolInputEnd { id: String },
    /// A tool is called; `input` is meant to be JSON, but is text from the model.
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
    /// The provider asks whether a tool may run.
    ToolApprovalRequest {
        approval_id: String,
        tool_call_id: String,
        provider_metadata: Option<RawJson>,
    },
    /// The model call failed; more parts may follow. The value is the provider's and not for users' eyes.
    Error { error: RawJson },
    /// The model is done; `usage` is `None` if the provider reported none.
    Finish {
        finish_reason: FinishReason,
        usage: Option<Usage>,
        provider_metadata: Option<RawJson>,
    },
}

/// A source of an answer. Its texts are the provider's, a URL is not known to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The provider's name for it.
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

/// A file that a model made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedFile {
    /// For example `image/png`.
    pub media_type: String,
    /// Its bytes, or their place.
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
