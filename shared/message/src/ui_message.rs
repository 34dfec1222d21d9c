//! The message as `useChat` holds, sends and receives it.

use json::{Invalid, JsonText, Object, RawJson};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{MessageId, UiPart};

/// A message as the client sends it and as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct UiMessage {
    pub id: MessageId,
    pub role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<RawJson>,
    pub parts: Vec<UiPart>,
}

/// The author of a message. The system prompt belongs to the operator; a client cannot send one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The user.
    User,
    /// The model.
    Assistant,
}

impl UiMessage {
    /// Parses one message; `path` is its path in errors, for example `messages[0]`.
    pub fn parse(value: &RawValue, path: &str) -> Result<Self, Invalid> {
        let fields = Object::parse(value, path)?;
        let id = MessageId::parse(&fields.string("id")?)
            .map_err(|invalid| Invalid::new(fields.path("id"), invalid.to_string()))?;
        let role = match fields.string("role")?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            _ => {
                return Err(Invalid::new(
                    fields.path("role"),
                    "must be user or assistant",
                ));
            }
        };
        let parts = UiPart::parse_all(&fields, path)?;
        Ok(Self {
            id,
            role,
            metadata: fields.optional_json("metadata"),
            parts,
        })
    }
}

/// Returns the text of a message: its text parts, concatenated without a separator.
pub fn extract_text_content(message: &UiMessage) -> JsonText {
    let mut text_content = JsonText::default();
    for part in &message.parts {
        if let UiPart::Text { text, .. } = part {
            text_content.push(text);
        }
    }
    text_content
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<UiMessage, Invalid> {
        UiMessage::parse(
            &serde_json::from_str::<Box<RawValue>>(json).unwrap(),
            "messages[0]",
        )
    }

    #[test]
    fn text_parts_are_joined_without_a_separator() {
        let message = parse(
            r#"{"id":"m","role":"user","parts":[{"type":"text","text":"Hel"},{"type":"step-start"},{"type":"text","text":"lo"}]}"#,
        );
        assert_eq!(extract_text_content(&message.unwrap()).to_text(), "Hello");
    }

    #[test]
    fn a_message_without_parts_has_no_text() {
        assert!(
            extract_text_content(&parse(r#"{"id":"m","role":"assistant","parts":[]}"#).unwrap())
                .is_empty()
        );
    }

    #[test]
    fn a_bad_message_is_refused_by_field() {
        for (json, field) in [
            (r#"{"role":"user","parts":[]}"#, "messages[0].id"),
            (r#"{"id":"a#b","role":"user","parts":[]}"#, "messages[0].id"),
            (
                r#"{"id":"m","role":"system","parts":[]}"#,
                "messages[0].role",
            ),
            (
                r#"{"id":"m","role":"user","content":"x"}"#,
                "messages[0].parts",
            ),
            (
                r#"{"id":"m","role":"user","parts":[{"type":"text","text":1}]}"#,
                "messages[0].parts[0].text",
            ),
        ] {
            assert_eq!(parse(json).unwrap_err().field, field, "{json}");
        }
    }
}
