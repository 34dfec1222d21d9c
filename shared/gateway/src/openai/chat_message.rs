//! The messages of a request.

use std::borrow::Cow;

use json::JsonText;
use serde::Serialize;

/// One message. A user's message of a single text has no parts.
#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub(in crate::openai) enum Message<'a> {
    System {
        content: &'a str,
    },
    User {
        content: UserContent<'a>,
    },
    Assistant {
        /// `null` together with calls.
        content: Option<JsonText>,
        #[serde(skip_serializing_if = "JsonText::is_empty")]
        reasoning_content: JsonText,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<ToolCall<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: Cow<'a, JsonText>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::openai) enum UserContent<'a> {
    Text(&'a JsonText),
    Parts(Vec<Part<'a>>),
}

/// One part of a user's message.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(in crate::openai) enum Part<'a> {
    Text { text: Cow<'a, JsonText> },
    ImageUrl { image_url: Address<'a> },
    VideoUrl { video_url: Address<'a> },
    InputAudio { input_audio: Audio<'a> },
    File { file: Document<'a> },
}

#[derive(Serialize)]
pub(in crate::openai) struct Address<'a> {
    pub(in crate::openai) url: Cow<'a, str>,
}

#[derive(Serialize)]
pub(in crate::openai) struct Audio<'a> {
    pub(in crate::openai) data: &'a str,
    pub(in crate::openai) format: &'static str,
}

#[derive(Serialize)]
pub(in crate::openai) struct Document<'a> {
    pub(in crate::openai) filename: &'a str,
    pub(in crate::openai) file_data: String,
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "function")]
pub(in crate::openai) struct ToolCall<'a> {
    pub(in crate::openai) id: &'a str,
    pub(in crate::openai) function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::openai) extra_content: Option<ExtraContent>,
}

#[derive(Serialize)]
pub(in crate::openai) struct Function<'a> {
    pub(in crate::openai) name: &'a str,
    pub(in crate::openai) arguments: JsonText,
}

#[derive(Serialize)]
pub(in crate::openai) struct ExtraContent {
    pub(in crate::openai) google: Google,
}

#[derive(Serialize)]
pub(in crate::openai) struct Google {
    pub(in crate::openai) thought_signature: JsonText,
}
