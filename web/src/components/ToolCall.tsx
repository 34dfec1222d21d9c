import { getToolName, isToolUIPart } from "ai";
import type { MessagePart } from "../types";
import { Icon } from "./Icon";

type ToolPart = Extract<MessagePart, { toolCallId: string }>;

const STATES: Record<ToolPart["state"], string> = {
  "input-streaming": "being prepared…",
  "input-available": "running…",
  "approval-requested": "waits for an approval",
  "approval-responded": "decided",
  "output-available": "done",
  "output-error": "failed",
  "output-denied": "not allowed",
};

/** A tool that the model called: its name and state, with input and output for who wants to know. */
export function ToolCall({ part }: { part: ToolPart }) {
  if (!isToolUIPart(part)) return null;
  const isFailure = part.state === "output-error" || part.state === "output-denied";
  return (
    <details className={`fold ${isFailure ? "is-failure" : ""}`}>
      <summary>
        <Icon name="tool" /> {part.title ?? getToolName(part)} <span className="state">{STATES[part.state]}</span>
      </summary>
      <Value name="Input" value={part.input} />
      {part.state === "output-available" && <Value name="Output" value={part.output} />}
      {part.state === "output-error" && <Value name="Error" value={part.errorText} />}
    </details>
  );
}

function Value({ name, value }: { name: string; value: unknown }) {
  if (value === undefined) return null;
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return (
    <>
      <p className="value-name">{name}</p>
      <pre tabIndex={0} role="group" aria-label={name}>
        <code>{text}</code>
      </pre>
    </>
  );
}
