//! The differences between two outcomes.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

use crate::outcome::Outcome;

/// An aspect of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Aspect {
    /// The status.
    Status,
    /// The headers.
    Headers,
    /// The chunks of the stream.
    Chunks,
    /// The end of the body.
    End,
    /// The error texts that the page receives.
    Errors,
    /// The chat's status and the kind of its error.
    Client,
    /// The conversation that the client holds.
    Messages,
    /// The requests that reached the gateway.
    Calls,
}

impl fmt::Display for Aspect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Status => "status",
            Self::Headers => "headers",
            Self::Chunks => "chunks",
            Self::End => "end",
            Self::Errors => "errors",
            Self::Client => "client",
            Self::Messages => "messages",
            Self::Calls => "calls",
        })
    }
}

/// An aspect in which two outcomes differ, and the first place where they do.
#[derive(Debug, Clone)]
pub(crate) struct Difference {
    /// The aspect.
    pub(crate) aspect: Aspect,
    /// The first place, and both values.
    pub(crate) detail: String,
}

/// Returns the aspects in which our outcome differs from the original's.
pub(crate) fn differences(theirs: &Outcome, ours: &Outcome) -> Vec<Difference> {
    let pairs = [
        (Aspect::Status, &theirs.status, &ours.status),
        (Aspect::Headers, &theirs.headers, &ours.headers),
        (Aspect::Chunks, &theirs.chunks, &ours.chunks),
        (Aspect::End, &theirs.end, &ours.end),
        (Aspect::Errors, &theirs.errors, &ours.errors),
        (Aspect::Client, &theirs.client, &ours.client),
        (Aspect::Messages, &theirs.messages, &ours.messages),
        (Aspect::Calls, &theirs.calls, &ours.calls),
    ];
    let difference = |(aspect, theirs, ours)| {
        first_difference(theirs, ours, "").map(|detail| Difference { aspect, detail })
    };
    pairs.into_iter().filter_map(difference).collect()
}

/// Returns the first place where two values differ.
fn first_difference(theirs: &Value, ours: &Value, path: &str) -> Option<String> {
    let at = |place: String, one: Option<&Value>, other: Option<&Value>| match (one, other) {
        (Some(one), Some(other)) => first_difference(one, other, &place),
        _ => Some(describe(one, other, &place)),
    };
    match (theirs, ours) {
        _ if theirs == ours => None,
        (Value::Object(a), Value::Object(b)) => {
            let mut keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            keys.find_map(|key| at(format!("{path}.{key}"), a.get(key), b.get(key)))
        }
        (Value::Array(a), Value::Array(b)) => (0..a.len().max(b.len()))
            .find_map(|index| at(format!("{path}[{index}]"), a.get(index), b.get(index))),
        _ => Some(describe(Some(theirs), Some(ours), path)),
    }
}

fn describe(theirs: Option<&Value>, ours: Option<&Value>, path: &str) -> String {
    let shorten = |value: Option<&Value>| {
        value.map_or("nothing".to_owned(), |value| {
            format!("{:.300}", value.to_string())
        })
    };
    format!(
        "at {}: original {}, ours {}",
        if path.is_empty() { "the top" } else { path },
        shorten(theirs),
        shorten(ours)
    )
}
