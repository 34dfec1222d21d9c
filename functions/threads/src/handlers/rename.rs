//! `PATCH /api/threads/{threadId}`: renames a thread.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use front::{FrontError, is_uncompressed_json, read_body};
use json::{Invalid, Object};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::ApiError;
#[cfg(test)]
use crate::openapi;
use crate::query::{PathPart, thread_id};
use crate::response::{ThreadShape, ok};
use crate::state::AppState;

/// The size limit of the body, which holds a title.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024;
pub(crate) const MAX_TITLE_CHARS: usize = 200;

/// Sets the thread's title to the one in the body, and answers with the updated thread.
#[cfg_attr(test, utoipa::path(
    patch,
    path = "/api/threads/{threadId}",
    tag = "threads",
    operation_id = "renameThread",
    summary = "Rename a thread",
    params(("threadId" = inline(openapi::Thread), Path, description = "The conversation.")),
    request_body(content = ref("#/components/schemas/NewTitle"), content_type = "application/json"),
    responses((status = 200, description = "The updated thread", body = ref("#/components/schemas/RenamedThread"))),
))]
pub(crate) async fn rename(
    State(state): State<Arc<AppState>>,
    thread: PathPart,
    request: Request,
) -> Result<Response, ApiError> {
    let (head, body) = request.into_parts();
    let user = state.authenticate(&head.headers).await?;
    let id = thread_id(thread)?;
    if !is_uncompressed_json(&head.headers) {
        return Err(FrontError::UnsupportedMediaType.into());
    }
    let title = title(&read_body(body, MAX_BODY_BYTES).await?)?;
    let thread = state
        .store
        .rename_thread(&user, &id, &title)
        .await?
        .ok_or(ApiError::NoThread)?;
    Ok(ok(&RenamedThread {
        thread: ThreadShape::new(&id, &thread),
    }))
}

/// The updated thread.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RenamedThread"))]
pub(crate) struct RenamedThread<'a> {
    thread: ThreadShape<'a>,
}

fn title(body: &[u8]) -> Result<String, ApiError> {
    let document: &RawValue = serde_json::from_slice(body).map_err(ApiError::NotJson)?;
    if !document.get().starts_with('{') {
        return Err(Invalid::new("request body", "must be an object").into());
    }
    let title = Object::parse(document, "")?.string("title")?;
    let title = title.trim();
    if !(1..=MAX_TITLE_CHARS).contains(&title.chars().count()) {
        return Err(Invalid::new(
            "title",
            format!("must have 1 to {MAX_TITLE_CHARS} characters"),
        )
        .into());
    }
    if title.contains(char::is_control) {
        return Err(Invalid::new(
            "title",
            "must not hold control characters, such as line breaks",
        )
        .into());
    }
    Ok(title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_trimmed_text_within_the_length_limits() {
        let long = "ä".repeat(MAX_TITLE_CHARS);
        for (name, body, expected) in [
            (
                "plain",
                r#"{"title":" A title\n"}"#.to_owned(),
                Ok("A title".to_owned()),
            ),
            (
                "as long as may be",
                format!(r#"{{"title":"{long}","x":1}}"#),
                Ok(long.clone()),
            ),
            (
                "too long",
                format!(r#"{{"title":"{long}b"}}"#),
                Err("title: must have 1 to 200 characters"),
            ),
            (
                "empty",
                r#"{"title":" "}"#.to_owned(),
                Err("title: must have 1 to 200 characters"),
            ),
            (
                "of two lines",
                r#"{"title":"a\nb"}"#.to_owned(),
                Err("title: must not hold control characters, such as line breaks"),
            ),
            ("absent", "{}".to_owned(), Err("title: must be a string")),
            (
                "null",
                r#"{"title":null}"#.to_owned(),
                Err("title: must be a string"),
            ),
            (
                "a number",
                r#"{"title":1}"#.to_owned(),
                Err("title: must be a string without half a surrogate pair"),
            ),
            (
                "a list",
                "[]".to_owned(),
                Err("request body: must be an object"),
            ),
            (
                "no JSON",
                "{".to_owned(),
                Err("request body cannot be read as JSON"),
            ),
        ] {
            let found = title(body.as_bytes()).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{name}");
        }
    }
}
