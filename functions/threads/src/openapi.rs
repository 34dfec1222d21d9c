//! `docs/openapi/threads.json`, generated from the annotations of the handlers and from the types
//! on the wire.
//!
//! `UPDATE_OPENAPI=1 cargo test -p threads openapi` writes it.

use std::collections::BTreeSet;
use std::path::Path;

use front::openapi::Document;
use front::{AccessError, FrontError};
use json::Invalid;
use message::{MessageId, ThreadId};
use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde_json::Value;
use session::SessionError;
use store::StoreError;
use strum::VariantNames;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{OpenApi, PartialSchema, ToSchema};

use crate::conversation::Conversation;
use crate::error::ApiError;
use crate::handlers::rename::MAX_TITLE_CHARS;
use crate::handlers::{delete, list, messages, models, rename, usage};
use crate::query::MAX_PAGE_SIZE;

/// The API of the function.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Sidekiq chat, read side",
        description = "A user's threads, their messages, the models, and the user's usage. Another user's thread \
                       is `not_found` like one that does not exist.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    servers((url = "/", description = "The origin of the web application")),
    tags(
        (name = "threads", description = "The user's conversations"),
        (name = "account", description = "The user's models and usage"),
    ),
    paths(list::list, messages::messages, rename::rename, delete::delete, models::models, usage::usage),
)]
struct ApiDescription;

/// The page size in a query.
pub(crate) struct Limit;

impl ToSchema for Limit {}

impl PartialSchema for Limit {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(MAX_PAGE_SIZE))
            .into()
    }
}

/// The thread id in a path.
pub(crate) struct Thread;

impl ToSchema for Thread {}

impl PartialSchema for Thread {
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name(ThreadId::schema_name()).into()
    }
}

/// The message id in a query.
pub(crate) struct Message;

impl ToSchema for Message {}

impl PartialSchema for Message {
    fn schema() -> RefOr<Schema> {
        Ref::from_schema_name(MessageId::schema_name()).into()
    }
}

/// The characters of [`char::is_whitespace`] and [`char::is_control`] for a regular expression.
/// Engines differ in theirs.
const SPACE: &str = r"\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000";
const CONTROL: &str = r"\u0000-\u001f\u007f-\u009f";

/// The body of a rename, which is parsed by hand.
struct NewTitle;

impl JsonSchema for NewTitle {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NewTitle".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
        json_schema!({
            "type": "object",
            "description": "Unknown fields are ignored.",
            "required": ["title"],
            "maxProperties": 100,
            "properties": {
                "title": {
                    "type": "string",
                    "description": format!("Surrounding white space is trimmed. The rest must have 1 to {MAX_TITLE_CHARS} characters, none of them a control character."),
                    "pattern": format!(
                        "^[{SPACE}]*[^{SPACE}{CONTROL}](?:[^{CONTROL}]{{0,{}}}[^{SPACE}{CONTROL}])?[{SPACE}]*$",
                        MAX_TITLE_CHARS - 2
                    ),
                },
            },
            "examples": [{ "title": "Apples and pears" }],
        })
    }
}

/// Returns every refusal with the operations that may make it.
fn refusals() -> Vec<(ApiError, &'static [&'static str])> {
    const ALL: &[&str] = &[
        "listThreads",
        "listMessages",
        "renameThread",
        "deleteThread",
        "listModels",
        "readUsage",
    ];
    const LISTS: &[&str] = &["listThreads", "listMessages"];
    const OF_ONE: &[&str] = &["listMessages", "renameThread", "deleteThread"];
    const WITH_BODY: &[&str] = &["renameThread"];
    let not_json = serde_json::from_str::<Value>("").expect_err("nothing is no JSON");
    let unavailable = StoreError::Unavailable {
        operation: "Query",
        source: "no connection".into(),
    };
    let refused = StoreError::Refused {
        operation: "Query",
        source: "no such table".into(),
    };
    vec![
        (FrontError::NotFound.into(), &[]),
        (FrontError::MethodNotAllowed.into(), &[]),
        (FrontError::Unauthorized(SessionError::Missing).into(), ALL),
        (FrontError::Forbidden(AccessError::NoOrigin).into(), ALL),
        (ApiError::NoThread, OF_ONE),
        (
            Invalid::new(
                "limit",
                format!("must be a whole number from 1 to {MAX_PAGE_SIZE}"),
            )
            .into(),
            LISTS,
        ),
        (
            Invalid::new(
                "title",
                format!("must have 1 to {MAX_TITLE_CHARS} characters"),
            )
            .into(),
            WITH_BODY,
        ),
        (ApiError::NotJson(not_json), WITH_BODY),
        (FrontError::IncompleteBody.into(), WITH_BODY),
        (FrontError::RequestTimeout.into(), WITH_BODY),
        (
            FrontError::TooLarge {
                limit: rename::MAX_BODY_BYTES,
            }
            .into(),
            WITH_BODY,
        ),
        (FrontError::UnsupportedMediaType.into(), WITH_BODY),
        (FrontError::Store(refused).into(), ALL),
        (FrontError::Store(unavailable).into(), ALL),
    ]
}

async fn document() -> Document {
    let described = serde_json::to_value(ApiDescription::openapi()).expect("a description is JSON");
    let mut document = Document::new(described, |schemas| {
        schemas.subschema_for::<ThreadId>();
        schemas.subschema_for::<list::List<'_>>();
        schemas.subschema_for::<Conversation<'_>>();
        schemas.subschema_for::<NewTitle>();
        schemas.subschema_for::<rename::RenamedThread<'_>>();
        schemas.subschema_for::<models::List<'_>>();
        schemas.subschema_for::<usage::Usage<'_>>();
    });
    document.require_body("renameThread");
    document.allow_empty_parameters();
    document.set_default("listThreads", "limit", list::DEFAULT_PAGE_SIZE);
    document.set_default("listMessages", "limit", messages::DEFAULT_PAGE_SIZE);
    for (refusal, operations) in refusals() {
        document.refuse(refusal, operations).await;
    }
    document
}

#[tokio::test]
async fn the_openapi_document_says_what_the_code_says() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi/threads.json");
    document().await.check(&docs);
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
}

#[tokio::test]
async fn every_route_is_in_the_openapi_document() {
    let routes = front::openapi::routes_in(include_str!("routes.rs"));
    assert_eq!(document().await.routes(), routes);
}
