//! The real clients of `ai` 5, 6 and 7: the features they support with the function, and proof that
//! none of them refuses a chunk that it sends.

mod generated;
mod matrix;
mod own_chunks;
mod parts;
mod readers;
mod recorded;
mod relay;

use acceptance::client::ai_sdk::Version;

/// The chunks that older clients do not know. They are sent all the same, as by the AI SDK's own
/// route, when the model sends something for which these versions have no type. All other chunks
/// must be known to all versions. One kind of `custom` is never sent, `anthropic.message_start`: it
/// carries no information, and every answer of Anthropic begins with it.
const UNKNOWN_TO_OLDER: [(&str, &[Version]); 4] = [
    ("custom", &[Version::Five, Version::Six]),
    ("reasoning-file", &[Version::Five, Version::Six]),
    ("tool-approval-request", &[Version::Five]),
    // Only after the client itself has answered an approval request, which `ai` 5 cannot do.
    ("tool-output-denied", &[Version::Five]),
];

/// Returns whether clients of this version cannot know this type of chunk.
fn is_unknown(kind: &str, version: Version) -> bool {
    UNKNOWN_TO_OLDER
        .iter()
        .any(|(unknown, versions)| *unknown == kind && versions.contains(&version))
}
