//! The path parameters of the routes.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use message::ThreadId;

use crate::error::ApiError;

/// A path parameter, which may be invalid UTF-8.
pub(crate) type PathPart = Result<Path<String>, PathRejection>;

/// Parses a thread id. No thread can be at an address with an invalid one.
pub(crate) fn thread_id(part: PathPart) -> Result<ThreadId, ApiError> {
    let Ok(Path(text)) = part else {
        return Err(ApiError::NotFound);
    };
    ThreadId::parse(&text).map_err(|_| ApiError::NotFound)
}
