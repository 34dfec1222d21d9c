//! The conversation of a client that sends only its last message: what stands before that in the store.

use gateway::Prompt;
use message::{Role, ThreadId, ToolState, UiMessage, UiPart, UserId};
use store::{Cursor, History, StoredMessage};

use crate::clients::Clients;
use crate::error::ApiError;

/// The prompt of `message`, which has this many bytes, after the stored messages before `place`, and how many those are.
/// Of a conversation that is too long, in messages or in bytes, the oldest are left out, so that it begins with a message
/// of the user.
pub(crate) async fn prompt(
    clients: &Clients,
    user: &UserId,
    thread: &ThreadId,
    place: &Cursor,
    message: &UiMessage,
    message_bytes: usize,
) -> Result<(Prompt, usize), ApiError> {
    let limits = &clients.limits;
    let history = History {
        limit: limits.max_messages.saturating_sub(1),
        max_bytes: Some(limits.max_body_bytes.saturating_sub(message_bytes)),
        before: Some(place),
        consistent: true,
    };
    let stored = clients.store.messages(user, thread, &history).await?;
    let mut conversation = conversation(stored);
    let before = conversation.len();
    conversation.push(message.clone());
    Ok((
        clients
            .gateway
            .prompt(clients.system_prompt.as_deref(), &conversation)?,
        before,
    ))
}

/// Oldest first, from the first message of the user on. What cannot be read is left out, and logged. So is a call that
/// was never answered, as in an answer that was stopped: no model takes a conversation with one.
fn conversation(newest_first: Vec<StoredMessage>) -> Vec<UiMessage> {
    let messages = newest_first.into_iter().rev().filter_map(|stored| {
        match UiPart::parse_stored(&stored.parts) {
            Ok(mut parts) => {
                parts.retain(|part| !is_unanswered(part));
                Some(UiMessage {
                    id: stored.id,
                    role: stored.role,
                    metadata: None,
                    parts,
                })
            }
            Err(error) => {
                let message_id = stored.id.as_str();
                tracing::error!(
                    message_id,
                    error = error.to_string(),
                    "failed to parse a stored message"
                );
                None
            }
        }
    });
    messages
        .skip_while(|message| message.role != Role::User)
        .collect()
}

fn is_unanswered(part: &UiPart) -> bool {
    matches!(part, UiPart::Tool(tool) if tool.state == ToolState::InputAvailable && tool.provider_executed != Some(true))
}
