//! The user's responses to approval requests, if the conversation ends with them.

use std::collections::{HashMap, HashSet};

use json::JsonText;

use super::PromptError;
use super::model_message::{Content, ModelMessage, ToolOutput};

/// Adds a denial result to every call that the user has just denied, and returns the ids of those
/// calls: our own tools' first, then the provider's.
///
/// An approval needs no addition: the provider runs its tool when it reads the response, and there
/// are no tools of our own.
pub(super) fn add_denials(messages: &mut [ModelMessage<'_>]) -> Result<Vec<String>, PromptError> {
    let Some((ModelMessage::Tool(last), earlier)) = messages.split_last_mut() else {
        return Ok(Vec::new());
    };
    let requests = Requests::of(earlier);
    let denied = requests.denied_calls(last)?;
    last.extend(
        denied
            .iter()
            .filter(|call| !call.has_result && !call.by_provider)
            .map(|call| {
                let (tool_call_id, tool_name) = (call.id, call.name);
                let output = ToolOutput::ExecutionDenied {
                    reason: call.reason,
                };
                Content::ToolResult {
                    tool_call_id,
                    tool_name,
                    output,
                    provider_options: None,
                }
            }),
    );
    let (providers, own): (Vec<_>, Vec<_>) = denied.into_iter().partition(|call| call.by_provider);
    Ok(own
        .iter()
        .chain(&providers)
        .map(|call| call.id.to_owned())
        .collect())
}

/// The requests for approval. Of two with the same id the later one counts.
struct Requests<'a> {
    calls: HashMap<&'a str, (&'a str, bool)>,
    approvals: HashMap<&'a str, &'a str>,
}

struct Denied<'a> {
    id: &'a str,
    name: &'a str,
    reason: Option<&'a JsonText>,
    by_provider: bool,
    has_result: bool,
}

impl<'a> Requests<'a> {
    fn of(messages: &[ModelMessage<'a>]) -> Self {
        let mut requests = Self {
            calls: HashMap::new(),
            approvals: HashMap::new(),
        };
        for message in messages {
            let ModelMessage::Assistant(content) = message else {
                continue;
            };
            for part in content {
                match part {
                    Content::ToolCall {
                        tool_call_id,
                        tool_name,
                        provider_executed,
                        ..
                    } => {
                        requests
                            .calls
                            .insert(tool_call_id, (tool_name, *provider_executed == Some(true)));
                    }
                    Content::ToolApprovalRequest {
                        approval_id,
                        tool_call_id,
                    } => {
                        requests.approvals.insert(approval_id, tool_call_id);
                    }
                    _ => {}
                }
            }
        }
        requests
    }

    fn denied_calls(&self, responses: &[Content<'a>]) -> Result<Vec<Denied<'a>>, PromptError> {
        let has_run: HashMap<&str, bool> = responses.iter().filter_map(result).collect();
        let mut responded = HashSet::new();
        let mut denied = Vec::new();
        for response in responses {
            let Content::ToolApprovalResponse {
                approval_id,
                approved,
                reason,
                path,
                ..
            } = response
            else {
                continue;
            };
            let unknown = PromptError::UnknownApproval { part: *path };
            let id = *self.approvals.get(approval_id).ok_or(unknown)?;
            let ran = has_run.get(id).copied();
            let is_over = ran.is_some_and(|ran| ran || *approved);
            // Only the first response counts, so that a call is not both run and denied.
            if is_over || !responded.insert(id) || *approved {
                continue;
            }
            let (name, by_provider) = self
                .calls
                .get(id)
                .copied()
                .expect("a request is next to its call");
            denied.push(Denied {
                id,
                name,
                reason: *reason,
                by_provider,
                has_result: ran.is_some(),
            });
        }
        Ok(denied)
    }
}

/// Returns the id of the call that a result belongs to, and true if the call ran.
fn result<'a>(part: &Content<'a>) -> Option<(&'a str, bool)> {
    match part {
        Content::ToolResult {
            tool_call_id,
            output,
            ..
        } => Some((
            tool_call_id,
            !matches!(output, ToolOutput::ExecutionDenied { .. }),
        )),
        _ => None,
    }
}
