//! `docs/openapi/chat.json`, generated from the annotations of the handlers and from the types on
//! the wire.
//!
//! `UPDATE_OPENAPI=1 cargo test -p chat openapi` writes it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use front::openapi::Document;
use front::{AccessError, FrontError};
use gateway::PromptError;
use json::Invalid;
use message::{StreamId, ThreadId};
use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use session::SessionError;
use store::StoreError;
use strum::VariantNames;
use ui_stream::{STREAM_HEADERS, UiMessageChunk};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Ref, RefOr};
use utoipa::{OpenApi, PartialSchema, ToSchema};
use validation::{ChatRequest, Limits, RequestError};

use crate::error::ApiError;
use crate::handlers::stop::StopResult;
use crate::handlers::{chat, resume, stop};

const EVENT_STREAM: &str = "text/event-stream";

/// The API of the function.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sidekiq chat",
        description = "Answers the AI SDK's `useChat`. The question and its answer are stored even if the connection is lost. \
                       Once a stream has begun, an error is an `error` chunk in it.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "The origin of the web application")),
    tags((name = "chat", description = "The model's answers")),
    paths(chat::answer, resume::resume, stop::stop),
)]
struct ApiDescription;

/// The thread id in a path.
pub(crate) struct Thread;

impl ToSchema for Thread {}

impl PartialSchema for Thread {
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name(ThreadId::schema_name()).into()
    }
}

/// The body of a stop, which is parsed by hand.
struct StopRequest;

impl JsonSchema for StopRequest {
    fn schema_name() -> Cow<'static, str> {
        "StopRequest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> schemars::Schema {
        json_schema!({
            "type": "object",
            "description": "The answer to stop. Without a body, or a `streamId` in it, any running answer. Unknown fields \
                            are ignored.",
            "maxProperties": 100,
            "properties": { "streamId": { "anyOf": [generator.subschema_for::<StreamId>(), { "type": "null" }] } },
        })
    }
}

/// Returns every refusal with the operations that may make it.
fn refusals() -> Vec<(ApiError, &'static [&'static str])> {
    const ALL: &[&str] = &["chat", "resume", "stop"];
    const OF_ONE: &[&str] = &["resume", "stop"];
    const WITH_BODY: &[&str] = &["chat", "stop"];
    const CHAT: &[&str] = &["chat"];
    let retry_after = Duration::from_secs(60);
    let stream = StreamId::parse("V1StGXR8_Z5jdHi6B-myT").expect("it is an id");
    let unavailable = StoreError::Unavailable {
        operation: "Query",
        source: "no connection".into(),
    };
    let refused = StoreError::Refused {
        operation: "Query",
        source: "no such table".into(),
    };
    let mut refusals = vec![
        (FrontError::NotFound.into(), OF_ONE),
        (FrontError::MethodNotAllowed.into(), &[]),
        (FrontError::Unauthorized(SessionError::Missing).into(), ALL),
        (FrontError::Forbidden(AccessError::NoOrigin).into(), ALL),
        (FrontError::UnsupportedMediaType.into(), CHAT),
        (FrontError::RequestTimeout.into(), WITH_BODY),
        (FrontError::IncompleteBody.into(), WITH_BODY),
        (
            FrontError::TooLarge {
                limit: Limits::default().max_body_bytes,
            }
            .into(),
            CHAT,
        ),
        (
            FrontError::TooLarge {
                limit: stop::MAX_BODY_BYTES,
            }
            .into(),
            &["stop"],
        ),
        (
            RequestError::from(Invalid::new("streamId", "must be a string")).into(),
            &["stop"],
        ),
        (PromptError::Empty.into(), CHAT),
        (ApiError::UnknownModel("acme/none".to_owned()), CHAT),
        (
            ApiError::TurnInProgress {
                stream,
                same_message: false,
            },
            CHAT,
        ),
        (ApiError::DifferentMessage, CHAT),
        (ApiError::TurnsPerDay { retry_after }, CHAT),
        (ApiError::ParallelTurns { retry_after }, CHAT),
        (FrontError::Store(refused).into(), ALL),
        (FrontError::Store(unavailable).into(), ALL),
        (ApiError::Internal, CHAT),
    ];
    refusals.extend(bad_requests().into_iter().map(|error| (error.into(), CHAT)));
    refusals
}

fn bad_requests() -> Vec<RequestError> {
    let limits = Limits::default();
    let not_json = RequestError::NotJson {
        line: 1,
        column: 2,
        problem: "expected value".to_owned(),
    };
    vec![
        Invalid::new("messages[0].parts[0].text", "must be a string").into(),
        not_json,
        RequestError::NotUtf8 { at: 0 },
        RequestError::TooDeep {
            limit: limits.max_depth,
        },
        RequestError::ForbiddenKey { line: 1, column: 2 },
        RequestError::TooLarge {
            limit: limits.max_body_bytes,
        },
    ]
}

async fn document() -> Document {
    let described = serde_json::to_value(ApiDescription::openapi()).expect("a description is JSON");
    let mut document = Document::new(described, |schemas| {
        schemas.subschema_for::<ThreadId>();
        schemas.subschema_for::<ChatRequest>();
        schemas.subschema_for::<StopRequest>();
        schemas.subschema_for::<StopResult>();
        schemas.subschema_for::<UiMessageChunk>();
    });
    document.require_body("chat");
    document.each_response(EVENT_STREAM, |response| {
        response["headers"] = stream_headers();
        response["content"][EVENT_STREAM] = stream_content();
    });
    for (refusal, operations) in refusals() {
        document.refuse(refusal, operations).await;
    }
    document
}

fn stream_headers() -> Value {
    let headers = STREAM_HEADERS
        .iter()
        .filter(|(name, _)| *name != "content-type");
    let described =
        |value: &str| json!({ "required": true, "schema": { "type": "string", "const": value } });
    headers
        .map(|(name, value)| ((*name).to_owned(), described(value)))
        .collect::<Map<_, _>>()
        .into()
}

/// Returns the content of an event stream as tools for OpenAPI 3.1 expect it: the schema is that of
/// one event.
fn stream_content() -> Value {
    json!({
        "schema": {
            "type": "object",
            "description": "Server-sent events, as version 1 of the AI SDK's UI message stream has them: each is one line \
                            `data:` with a chunk as JSON, the last is `data: [DONE]`. A line that begins with a colon \
                            keeps the connection open.",
            "required": ["data"],
            "properties": {
                "data": {
                    "type": "string",
                    "if": { "const": "[DONE]" },
                    "else": {
                        "contentMediaType": "application/json",
                        "contentSchema": { "$ref": "#/components/schemas/UiMessageChunk" },
                    },
                },
            },
            "examples": [
                { "data": r#"{"type":"text-delta","id":"0","delta":"Hello."}"# },
                { "data": r#"{"type":"finish","finishReason":"stop"}"# },
                { "data": "[DONE]" },
            ],
        },
    })
}

#[tokio::test]
async fn the_openapi_document_says_what_the_code_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi/chat.json");
    document().await.check(&file);
}

#[test]
fn every_refusal_is_in_the_openapi_document() {
    let refusals = refusals();
    let described: BTreeSet<&str> = refusals.iter().map(|(refusal, _)| refusal.into()).collect();
    assert_eq!(described, ApiError::VARIANTS.iter().copied().collect());
    let shared = refusals.iter().filter_map(|(refusal, _)| match refusal {
        ApiError::Front(refusal) => Some(<&str>::from(refusal)),
        _ => None,
    });
    let described: BTreeSet<&str> = shared.collect();
    assert_eq!(described, FrontError::VARIANTS.iter().copied().collect());
    let described: BTreeSet<&str> = bad_requests().iter().map(Into::into).collect();
    assert_eq!(described, RequestError::VARIANTS.iter().copied().collect());
}

#[tokio::test]
async fn every_route_is_in_the_openapi_document() {
    let routes = front::openapi::routes_in(include_str!("routes.rs"));
    assert_eq!(document().await.routes(), routes);
}
