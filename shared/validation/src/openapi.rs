//! The JSON schema of a request in `docs/openapi`. It is written by hand because the request is
//! parsed by hand. It states the default limits.
//!
//! Describes every rule that JSON Schema can express. The other rules (the depth, the size of the
//! body, distinct ids, the allowed files) are described in text, and requests that break them are
//! refused as well.

use std::borrow::Cow;

use message::{MessageId, ThreadId, UiMessage};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::request::MAX_MODEL_BYTES;
use crate::{ChatRequest, Limits};

impl JsonSchema for ChatRequest {
    fn schema_name() -> Cow<'static, str> {
        "ChatRequest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let limits = Limits::default();
        let thread = generator.subschema_for::<ThreadId>();
        let message_id = generator.subschema_for::<MessageId>();
        let absent = json!({ "type": "null" });
        json_schema!({
            "type": "object",
            "description": format!(
                "The request of a client. It names the conversation by `threadId`, or by `id` if that is \
                 omitted, and sends the conversation as `messages`, or only its last `message` if that is \
                 omitted. Fields that are not listed are ignored, and `null` counts as omitted.\n\nThe limits \
                 are the defaults. Objects and arrays may be nested {} levels deep, and a number may have {} \
                 characters. The URL of a file is `https:` with a public host and at most {} bytes, or `data:` \
                 in base64.",
                limits.max_depth, limits.max_number_bytes, limits.max_url_bytes,
            ),
            "maxProperties": 100,
            "properties": {
                "threadId": { "anyOf": [thread, absent], "description": "The id of the conversation." },
                "id": { "description": "The id of the conversation, if `threadId` is omitted." },
                "messages": { "anyOf": [messages_schema(generator, &limits), absent] },
                "message": { "description": "The last message, if `messages` is omitted." },
                "model": {
                    "type": ["string", "null"],
                    "maxLength": MAX_MODEL_BYTES,
                    "description": "One of the models of `GET /api/models`. If it is omitted, the default model answers.",
                    "examples": ["openai/gpt-4o-mini"],
                },
                "trigger": {
                    "enum": ["submit-message", "regenerate-message", null],
                    "description": "The reason for the request. `submit-message` if it is omitted.",
                },
                "messageId": {
                    "anyOf": [message_id, absent],
                    "description": "The id of the message that the request refers to: the edited one, the one to regenerate, \
                                    or the continued one. Omitted for a plain question.",
                },
            },
            "allOf": [
                { "anyOf": [
                    { "required": ["threadId"], "properties": { "threadId": { "type": "string" } } },
                    { "required": ["id"], "properties": { "id": thread, "threadId": absent } },
                ] },
                { "anyOf": [
                    { "required": ["messages"], "properties": { "messages": { "type": "array" } } },
                    { "required": ["message"], "properties": { "message": message_schema(generator, &limits), "messages": absent } },
                ] },
            ],
            "examples": [{
                "threadId": "thread-1",
                "model": "openai/gpt-4o-mini",
                "trigger": "submit-message",
                "messages": [
                    { "id": "message-1", "role": "user", "parts": [{ "type": "text", "text": "Hello, who is there?" }] },
                ],
            }],
        })
    }
}

/// Returns the schema of `messages`. The parts of all messages together are limited too.
fn messages_schema(generator: &mut SchemaGenerator, limits: &Limits) -> Schema {
    json_schema!({
        "type": "array",
        "description": format!(
            "The conversation so far, with at most {} parts in all. The last message of the user is \
             answered; no other message may have its id.",
            limits.max_total_parts,
        ),
        "items": {
            "allOf": [
                generator.subschema_for::<UiMessage>(),
                { "if": role_schema("user"), "then": user_parts_schema(limits), "else": max_parts_schema(limits.max_assistant_parts) },
            ],
        },
        "contains": { "required": ["role"], "properties": { "role": { "const": "user" } } },
        "maxItems": limits.max_messages,
    })
}

/// Returns the schema of `message`, the one message of a client that relies on the stored
/// conversation.
fn message_schema(generator: &mut SchemaGenerator, limits: &Limits) -> Schema {
    json_schema!({
        "description": "The last message of the conversation, by the user. The earlier messages are read from the table.",
        "allOf": [generator.subschema_for::<UiMessage>(), role_schema("user"), user_parts_schema(limits)],
    })
}

fn role_schema(role: &str) -> Schema {
    json_schema!({ "required": ["role"], "properties": { "role": { "const": role } } })
}

/// Returns the rules for the parts of a message of the user.
fn user_parts_schema(limits: &Limits) -> Schema {
    let mut parts = json_schema!({ "maxItems": limits.max_user_parts });
    message::openapi::forbid_steering_messages(&mut parts);
    json_schema!({ "properties": { "parts": parts } })
}

fn max_parts_schema(parts: usize) -> Schema {
    json_schema!({ "properties": { "parts": { "maxItems": parts } } })
}
