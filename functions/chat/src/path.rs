//! The path parameters of the routes.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use front::FrontError;
use message::ThreadId;

/// A path parameter, which may be invalid UTF-8.
pub(crate) type PathPart = Result<Path<String>, PathRejection>;

/// Parses a thread id. No thread can be at an address with an invalid one.
pub(crate) fn thread_id(part: PathPart) -> Result<ThreadId, FrontError> {
    let Ok(Path(text)) = part else {
        return Err(FrontError::NotFound);
    };
    ThreadId::parse(&text).map_err(|_| FrontError::NotFound)
}
