//! The last step before serialization: removes or refuses content that providers reject.

use std::collections::HashMap;

use super::model_message::{Content, ModelMessage};
use super::{PartPath, PromptError};

/// Removes content that is not sent, merges consecutive tool messages, and requires a result for
/// every tool call.
pub(super) fn standardize(messages: &mut Vec<ModelMessage<'_>>) -> Result<(), PromptError> {
    for message in messages.iter_mut() {
        remove_unsent(message);
    }
    messages.dedup_by(|message, before| match (before, message) {
        (ModelMessage::Tool(results), ModelMessage::Tool(more)) => {
            results.append(more);
            true
        }
        _ => false,
    });
    match call_without_result(messages) {
        Some(part) => Err(PromptError::MissingResult { part }),
        None => {
            messages.retain(
                |message| !matches!(message, ModelMessage::Tool(results) if results.is_empty()),
            );
            Ok(())
        }
    }
}

fn remove_unsent(message: &mut ModelMessage<'_>) {
    match message {
        ModelMessage::System(_) => {}
        ModelMessage::User(content) => {
            content.retain(|part| !matches!(part, Content::Text { text, .. } if text.is_empty()));
        }
        ModelMessage::Assistant(content) => content.retain(|part| match part {
            Content::Text {
                text,
                provider_options,
            } => !text.is_empty() || provider_options.is_some(),
            Content::ToolApprovalRequest { .. } => false,
            _ => true,
        }),
        ModelMessage::Tool(content) => {
            content.retain(|part| {
                !matches!(
                    part,
                    Content::ToolApprovalResponse {
                        provider_executed: false,
                        ..
                    }
                )
            });
        }
    }
}

/// Returns the first call of a tool that is not the provider's, whose result does not come before
/// the user's next message.
fn call_without_result(messages: &[ModelMessage<'_>]) -> Option<PartPath> {
    let mut open: HashMap<&str, PartPath> = HashMap::new();
    for message in messages {
        match message {
            ModelMessage::Assistant(content) => open.extend(content.iter().filter_map(own_call)),
            ModelMessage::Tool(content) => {
                for part in content {
                    if let Content::ToolResult { tool_call_id, .. } = part {
                        open.remove(tool_call_id);
                    }
                }
            }
            ModelMessage::User(_) if !open.is_empty() => break,
            ModelMessage::User(_) | ModelMessage::System(_) => {}
        }
    }
    open.into_values().min()
}

fn own_call<'a>(part: &Content<'a>) -> Option<(&'a str, PartPath)> {
    match part {
        Content::ToolCall {
            tool_call_id,
            provider_executed,
            path,
            ..
        } if *provider_executed != Some(true) => Some((tool_call_id, *path)),
        _ => None,
    }
}
