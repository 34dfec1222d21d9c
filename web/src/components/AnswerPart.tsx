import { isToolUIPart } from "ai";
import { Markdown } from "../markdown/Markdown";
import type { MessagePart } from "../types";
import { FileList } from "./FileList";
import { Reasoning } from "./Reasoning";
import { ToolCall } from "./ToolCall";

/** One part of an answer. Sources are listed together at its end; parts that no reader can use are left out. */
export function AnswerPart({ part, isWriting }: { part: MessagePart; isWriting: boolean }) {
  if (isToolUIPart(part)) return <ToolCall part={part} />;
  switch (part.type) {
    case "text":
      return part.text === "" ? null : <Markdown text={part.text} />;
    case "reasoning":
      return part.text.trim() === "" && !isWriting ? null : <Reasoning text={part.text} isWriting={isWriting} />;
    case "file":
    case "reasoning-file":
      return <FileList files={[part]} />;
    default:
      return null;
  }
}
