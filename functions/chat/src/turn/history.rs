//! The conversation of a client that sends only its last message, loaded from the store.

use gateway::Prompt;
use message::{Role, ToolState, UiMessage, UiPart};
use store::{Cursor, History, StoredMessage};

use crate::error::ApiError;
use crate::state::AppState;
use crate::turn::Turn;

/// Returns the prompt of the turn's message after the stored messages before `before`, and the
/// number of those. If the conversation exceeds the limit of messages or bytes, omits the oldest,
/// so that it begins with a message of the user.
pub(super) async fn stored_prompt(
    state: &AppState,
    turn: &Turn,
    before: &Cursor,
) -> Result<(Prompt, usize), ApiError> {
    let limits = &state.limits;
    let history = History {
        limit: limits.max_messages.saturating_sub(1),
        max_bytes: Some(
            limits
                .max_body_bytes
                .saturating_sub(turn.message_parts.len()),
        ),
        before: Some(before),
        consistent: true,
    };
    let (user, thread) = (&turn.ids.user, &turn.ids.thread);
    let stored = state.store.messages(user, thread, &history).await?;
    let mut conversation = conversation(stored);
    let preceding = conversation.len();
    conversation.push(turn.message.clone());
    let prompt = state
        .gateway
        .prompt(state.system_prompt.as_deref(), &conversation)?;
    Ok((prompt, preceding))
}

/// Converts stored messages to a conversation, oldest first, from the first message of the user on.
/// Omits and logs messages that cannot be parsed. Omits tool calls without a result, as in a
/// stopped answer, since no model accepts a conversation with one.
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
