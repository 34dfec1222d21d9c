//! The reasons for refusing a request, as text for the person who sent it.

use json::Invalid;

/// The error for a body that is not a request. The text names the field or the position and never
/// repeats what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(strum::VariantNames, strum::IntoStaticStr))]
pub enum RequestError {
    /// The body is longer than allowed; none of it was read.
    #[error("request body is larger than {limit} bytes")]
    TooLarge { limit: usize },
    /// The body is not text; `at` counts bytes from 0.
    #[error("request body is not UTF-8 (byte {at})")]
    NotUtf8 { at: usize },
    /// The body is not JSON, or holds a key or number that does not survive parsing. Line and
    /// column count from 1, the column in bytes.
    #[error("request body cannot be read as JSON: {problem} (line {line}, column {column})")]
    NotJson {
        line: usize,
        column: usize,
        problem: String,
    },
    /// Objects and arrays are nested too deeply, also in a field that is ignored.
    #[error("request body is nested deeper than {limit} levels")]
    TooDeep { limit: usize },
    /// An object has the key `__proto__`, which can only be meant to harm a JavaScript reader.
    #[error("the key __proto__ is not allowed (line {line}, column {column})")]
    ForbiddenKey { line: usize, column: usize },
    /// A field is missing or invalid.
    #[error(transparent)]
    Field(#[from] Invalid),
}

impl RequestError {
    /// Returns the code that programs may rely on; it never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "payload_too_large",
            Self::NotUtf8 { .. } | Self::NotJson { .. } => "invalid_json",
            Self::TooDeep { .. } => "too_deep",
            Self::ForbiddenKey { .. } | Self::Field(_) => "invalid_request",
        }
    }
}
