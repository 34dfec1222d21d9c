//! What a request looks like to who reads `docs/openapi`. It is read by hand, so it is described by hand, with the
//! limits that hold by default.
//!
//! Says everything that has a form in JSON Schema. What has none (the depth, the size of the body, ids that differ,
//! the files that may be passed on) is said in words, and the request is refused all the same.

use std::borrow::Cow;

use message::{MessageId, ThreadId, UiMessage};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::json;

use crate::request::MOST_MODEL_BYTES;
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
                "What a client asks. It names the conversation by `threadId`, or by `id` if that is left out, and sends \
                 the conversation as `messages`, or only its last `message` if that is left out. Fields that are not \
                 listed are ignored, and `null` counts as left out.\n\nThe limits are those that hold by default. Objects and arrays may stand {} deep, and a \
                 number may have {} characters. A URL of a file is `https:` with a public host and at most {} bytes, or \
                 `data:` in base64.",
                limits.max_depth, limits.max_number_bytes, limits.max_url_bytes,
            ),
            "maxProperties": 100,
            "properties": {
                "threadId": { "anyOf": [thread, absent], "description": "The conversation." },
                "id": { "description": "The conversation, where there is no `threadId`." },
                "messages": { "anyOf": [conversation(generator, &limits), absent] },
                "message": { "description": "The last message, where there are no `messages`." },
                "model": {
                    "type": ["string", "null"],
                    "maxLength": MOST_MODEL_BYTES,
                    "description": "One of the models of `GET /api/models`; without it the default answers.",
                    "examples": ["openai/gpt-4o-mini"],
                },
                "trigger": {
                    "enum": ["submit-message", "regenerate-message", null],
                    "description": "What made the client ask. `submit-message` if it is left out.",
                },
                "messageId": {
                    "anyOf": [message_id, absent],
                    "description": "The message that the request is about: the edited one, the one to make anew, or the \
                                    continued one. A plain question has none.",
                },
            },
            "allOf": [
                { "anyOf": [
                    { "required": ["threadId"], "properties": { "threadId": { "type": "string" } } },
                    { "required": ["id"], "properties": { "id": thread, "threadId": absent } },
                ] },
                { "anyOf": [
                    { "required": ["messages"], "properties": { "messages": { "type": "array" } } },
                    { "required": ["message"], "properties": { "message": question(generator, &limits), "messages": absent } },
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

/// The parts of all messages together are counted too.
fn conversation(generator: &mut SchemaGenerator, limits: &Limits) -> Schema {
    json_schema!({
        "type": "array",
        "description": format!(
            "The conversation so far, {} parts in all at most. The last message of the user is the one that is \
             answered; no other has its id.",
            limits.max_total_parts,
        ),
        "items": {
            "allOf": [
                generator.subschema_for::<UiMessage>(),
                { "if": spoken_by("user"), "then": of_user(limits), "else": at_most(limits.max_assistant_parts) },
            ],
        },
        "contains": { "required": ["role"], "properties": { "role": { "const": "user" } } },
        "maxItems": limits.max_messages,
    })
}

/// The one message of a client that leaves the conversation to the store.
fn question(generator: &mut SchemaGenerator, limits: &Limits) -> Schema {
    json_schema!({
        "description": "The last message of the conversation, by the user. What came before is in the table.",
        "allOf": [generator.subschema_for::<UiMessage>(), spoken_by("user"), of_user(limits)],
    })
}

fn spoken_by(role: &str) -> Schema {
    json_schema!({ "required": ["role"], "properties": { "role": { "const": role } } })
}

/// What holds for the parts of a message of the user.
fn of_user(limits: &Limits) -> Schema {
    let mut parts = json_schema!({ "maxItems": limits.max_user_parts });
    message::openapi::without_steering_messages(&mut parts);
    json_schema!({ "properties": { "parts": parts } })
}

fn at_most(parts: usize) -> Schema {
    json_schema!({ "properties": { "parts": { "maxItems": parts } } })
}
