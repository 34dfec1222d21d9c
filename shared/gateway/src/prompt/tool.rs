//! Conversion of tool calls and their outcomes.

use json::JsonText;
use message::{ToolPart, ToolState};

use super::PartPath;
use super::block::Block;
use super::model_message::{Content, ToolOutput, Value};

/// Adds a call to the block's content, and its result to the block's results. A result of the
/// provider's own tool follows its call.
pub(super) fn add<'a>(block: &mut Block<'a>, tool: &'a ToolPart, path: PartPath) {
    let by_provider = tool.provider_executed == Some(true);
    let call_metadata = tool.call_provider_metadata.as_ref();
    let result = |output, provider_options| Content::ToolResult {
        tool_call_id: &tool.tool_call_id,
        tool_name: tool.name(),
        output,
        provider_options,
    };

    if tool.state != ToolState::InputStreaming {
        block.content.push(call(tool, path));
        block.content.extend(
            tool.approval
                .as_ref()
                .map(|approval| Content::ToolApprovalRequest {
                    approval_id: &approval.id,
                    tool_call_id: &tool.tool_call_id,
                }),
        );
        if by_provider && let Some(output) = provider_output(tool) {
            block.content.push(result(
                output,
                tool.result_provider_metadata.as_ref().or(call_metadata),
            ));
        }
    }
    if let Some(approval) = &tool.approval
        && let Some(approved) = approval.approved
    {
        let (approval_id, reason) = (approval.id.as_str(), approval.reason.as_ref());
        let provider_executed = by_provider;
        block.results.push(Content::ToolApprovalResponse {
            approval_id,
            approved,
            reason,
            provider_executed,
            path,
        });
        if !approved && tool.state == ToolState::ApprovalResponded {
            block.results.push(result(
                ToolOutput::ExecutionDenied { reason },
                call_metadata,
            ));
        }
    }
    if !by_provider && let Some(output) = own_output(tool) {
        block.results.push(result(output, call_metadata));
    }
}

fn call(tool: &ToolPart, path: PartPath) -> Content<'_> {
    let failed = tool.state == ToolState::OutputError;
    let input = tool
        .input
        .as_ref()
        .or(tool.raw_input.as_ref().filter(|_| failed));
    let metadata = tool.call_provider_metadata.as_ref();
    Content::ToolCall {
        tool_call_id: &tool.tool_call_id,
        tool_name: tool.name(),
        input,
        provider_executed: tool.provider_executed,
        provider_options: metadata.or(tool.result_provider_metadata.as_ref().filter(|_| failed)),
        path,
    }
}

fn provider_output(tool: &ToolPart) -> Option<ToolOutput<'_>> {
    match tool.state {
        ToolState::OutputAvailable => Some(output(tool)),
        ToolState::OutputError => Some(ToolOutput::ErrorJson {
            value: tool.error_text.as_ref().map_or(Value::Null, Value::Text),
        }),
        _ => None,
    }
}

fn own_output(tool: &ToolPart) -> Option<ToolOutput<'_>> {
    let reason = tool
        .approval
        .as_ref()
        .and_then(|approval| approval.reason.as_ref());
    match tool.state {
        ToolState::OutputAvailable => Some(output(tool)),
        ToolState::OutputError => Some(error(tool.error_text.as_ref(), "unknown error")),
        ToolState::OutputDenied => Some(error(reason, "Tool call execution denied.")),
        _ => None,
    }
}

fn output(tool: &ToolPart) -> ToolOutput<'_> {
    if tool.kind == "dynamic-tool" && tool.dynamic == Some(false) {
        // The tool that decides how much of it the model may see is not available any more.
        return ToolOutput::Text {
            value: Value::Ours("Tool output omitted because the tool is no longer available."),
        };
    }
    match &tool.output {
        Some(text) if text.get().starts_with('"') => ToolOutput::Text {
            value: Value::Json(text),
        },
        other => ToolOutput::Json {
            value: other.as_ref().map_or(Value::Null, Value::Json),
        },
    }
}

fn error<'a>(text: Option<&'a JsonText>, otherwise: &'static str) -> ToolOutput<'a> {
    ToolOutput::ErrorText {
        value: text.map_or(Value::Ours(otherwise), Value::Text),
    }
}
