//! The types of a prompt, in the form of the native protocol (`LanguageModelV4Prompt` of the AI
//! SDK).
//!
//! They borrow from the UI messages: a conversation may hold megabytes of files.

use std::borrow::Cow;

use json::{JsonText, RawJson};
use serde::Serialize;

use super::error::PartPath;

/// One message of a prompt.
#[derive(Debug, Serialize)]
#[serde(tag = "role", content = "content", rename_all = "kebab-case")]
pub(crate) enum ModelMessage<'a> {
    System(&'a str),
    User(Vec<Content<'a>>),
    Assistant(Vec<Content<'a>>),
    Tool(Vec<Content<'a>>),
}

/// One part of a message.
#[derive(Debug, Serialize)]
#[serde(
    tag = "type",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Content<'a> {
    Text {
        text: &'a JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_options: Option<&'a RawJson>,
    },
    Reasoning {
        text: &'a JsonText,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_options: Option<&'a RawJson>,
    },
    File {
        media_type: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        filename: Option<&'a str>,
        data: FileSource<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_options: Option<&'a RawJson>,
        #[serde(skip)]
        path: PartPath,
    },
    ReasoningFile {
        media_type: &'a str,
        data: FileSource<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_options: Option<&'a RawJson>,
    },
    Custom {
        kind: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_options: Option<&'a RawJson>,
    },
    ToolCall {
        tool_call_id: &'a str,
        tool_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<&'a RawJson>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_executed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_options: Option<&'a RawJson>,
        #[serde(skip)]
        path: PartPath,
    },
    ToolResult {
        tool_call_id: &'a str,
        tool_name: &'a str,
        output: ToolOutput<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        provider_options: Option<&'a RawJson>,
    },
    /// The approval request. Never sent: only its response refers to it.
    #[serde(skip)]
    ToolApprovalRequest {
        approval_id: &'a str,
        tool_call_id: &'a str,
    },
    /// The user's response. Sent only if the provider runs the tool.
    ToolApprovalResponse {
        approval_id: &'a str,
        approved: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a JsonText>,
        #[serde(skip)]
        provider_executed: bool,
        #[serde(skip)]
        path: PartPath,
    },
}

/// The source of a file's bytes.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum FileSource<'a> {
    /// Inline, as base64.
    Data { data: Cow<'a, str> },
    /// An address from which the provider fetches.
    Url { url: String },
    /// A reference to a file that the provider holds.
    Reference { reference: &'a RawJson },
}

/// The outcome of a tool call.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub(crate) enum ToolOutput<'a> {
    Text {
        value: Value<'a>,
    },
    Json {
        value: Value<'a>,
    },
    ErrorText {
        value: Value<'a>,
    },
    ErrorJson {
        value: Value<'a>,
    },
    ExecutionDenied {
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a JsonText>,
    },
}

/// The value that a tool returned, or a sentence of ours in its place.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Value<'a> {
    Json(&'a RawJson),
    Text(&'a JsonText),
    Ours(&'static str),
    Null,
}
