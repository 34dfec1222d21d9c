//! The real clients of `ai` 5, 6 and 7: what they can do with the function, and that nothing it sends is refused by any
//! of them.

mod generated;
mod matrix;
mod own_chunks;
mod parts;
mod readers;
mod recorded;
mod relay;

use acceptance::client::Version;

/// The chunks that older clients do not know. They are sent all the same, when the model says something that these
/// versions have no word for, and the AI SDK's own route does so too. All other chunks must be known to all. Of `custom`
/// one kind is never sent, `anthropic.message_start`: it says nothing, and every answer of Anthropic begins with it.
const UNKNOWN_TO_OLDER: [(&str, &[Version]); 4] = [
    ("custom", &[Version::Five, Version::Six]),
    ("reasoning-file", &[Version::Five, Version::Six]),
    ("tool-approval-request", &[Version::Five]),
    // Only after the client itself has answered an approval request, which `ai` 5 cannot do.
    ("tool-output-denied", &[Version::Five]),
];

/// Whether clients of this version cannot know this type of chunk.
fn is_unknown(kind: &str, version: Version) -> bool {
    UNKNOWN_TO_OLDER
        .iter()
        .any(|(unknown, versions)| *unknown == kind && versions.contains(&version))
}
