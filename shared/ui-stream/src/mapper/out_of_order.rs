//! The error of the mapper.

/// The error for a part that is not allowed at its position: the client would reject its chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOfOrder {
    /// The type of the part.
    pub part: &'static str,
}
