//! Conversion of UI messages to model messages.

use message::{Role, ToolState, UiMessage, UiPart};

use super::block::Block;
use super::file::File;
use super::model_message::{Content, ModelMessage};
use super::{PartPath, PromptError, tool};

/// Converts messages into those that a model reads; an assistant message becomes one for each of
/// its blocks.
pub(super) fn model_messages(messages: &[UiMessage]) -> Result<Vec<ModelMessage<'_>>, PromptError> {
    let last_user = messages
        .iter()
        .rposition(|message| message.role == Role::User)
        .unwrap_or(0);
    let mut converted = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        match message.role {
            Role::User => converted.push(user_message(parts(index, message))?),
            Role::Assistant => assistant(index, message, index < last_user, &mut converted)?,
        }
    }
    Ok(converted)
}

fn user_message<'a>(
    parts: impl Iterator<Item = (PartPath, &'a UiPart)>,
) -> Result<ModelMessage<'a>, PromptError> {
    let mut content = Vec::new();
    for (path, part) in parts {
        if matches!(part, UiPart::Text { .. } | UiPart::File { .. }) {
            content.extend(content_of(part, Role::User, path)?);
        }
    }
    Ok(ModelMessage::User(content))
}

/// Converts an assistant message. `superseded` means that a user's message follows, so that
/// questions still open here are closed.
fn assistant<'a>(
    index: usize,
    message: &'a UiMessage,
    superseded: bool,
    converted: &mut Vec<ModelMessage<'a>>,
) -> Result<(), PromptError> {
    let mut block = Block::default();
    for (path, part) in parts(index, message) {
        match part {
            UiPart::StepStart => block.close(converted),
            UiPart::SteeringMessage { parts, .. } => {
                block.close(converted);
                converted.push(user_message(parts.iter().map(|part| (path, part)))?);
            }
            UiPart::Tool(tool) if superseded && tool.state == ToolState::ApprovalRequested => {}
            UiPart::Tool(tool) => tool::add(&mut block, tool, path),
            _ => block
                .content
                .extend(content_of(part, Role::Assistant, path)?),
        }
    }
    block.close(converted);
    Ok(())
}

/// Returns the content of a part; `None` for parts that a model does not see.
fn content_of(
    part: &UiPart,
    sender: Role,
    path: PartPath,
) -> Result<Option<Content<'_>>, PromptError> {
    Ok(Some(match part {
        UiPart::Text {
            text,
            provider_metadata,
            ..
        } => Content::Text {
            text,
            provider_options: provider_metadata.as_ref(),
        },
        UiPart::Reasoning {
            text,
            provider_metadata,
            ..
        } => Content::Reasoning {
            text,
            provider_options: provider_metadata.as_ref(),
        },
        UiPart::File {
            media_type,
            url,
            filename,
            provider_metadata,
            provider_reference,
        } => {
            let file = File {
                url,
                media_type: media_type.as_deref(),
                reference: provider_reference.as_ref(),
                path,
            };
            let (media_type, data) = file.resolve(sender)?;
            let (filename, provider_options) = (filename.as_deref(), provider_metadata.as_ref());
            Content::File {
                media_type,
                filename,
                data,
                provider_options,
                path,
            }
        }
        UiPart::ReasoningFile {
            media_type,
            url,
            provider_metadata,
        } => {
            let file = File {
                url,
                media_type: Some(media_type),
                reference: None,
                path,
            };
            let (media_type, data) = file.resolve(sender)?;
            Content::ReasoningFile {
                media_type,
                data,
                provider_options: provider_metadata.as_ref(),
            }
        }
        UiPart::Custom {
            kind,
            provider_metadata,
        } => Content::Custom {
            kind,
            provider_options: provider_metadata.as_ref(),
        },
        UiPart::StepStart | UiPart::SteeringMessage { .. } | UiPart::Tool(_) | UiPart::Other(_) => {
            return Ok(None);
        }
    }))
}

fn parts(index: usize, message: &UiMessage) -> impl Iterator<Item = (PartPath, &UiPart)> {
    message
        .parts
        .iter()
        .enumerate()
        .map(move |(part, content)| {
            (
                PartPath {
                    message: index,
                    part,
                },
                content,
            )
        })
}
