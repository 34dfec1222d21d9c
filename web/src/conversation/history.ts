// The messages that the page holds, merged with those of the server.
import { filesOf, textOf } from "./parts";
import type { ChatMessage, ThreadPage } from "../types";

/** Returns the messages to show once `page`, the end of the conversation, has arrived: older messages stay if it goes on from them. */
export function updated(shown: ChatMessage[], page: ThreadPage): ChatMessage[] {
  const first = page.messages[0];
  const start = first && page.nextCursor !== null ? shown.findIndex((message) => message.id === first.id) : -1;
  return start === -1 ? page.messages : [...shown.slice(0, start), ...page.messages];
}

/** `older` messages before those that are shown. */
export function prepended(older: ChatMessage[], shown: ChatMessage[]): ChatMessage[] {
  const known = new Set(shown.map((message) => message.id));
  return [...older.filter((message) => !known.has(message.id)), ...shown];
}

/** The question that the conversation ends with, answered or not. */
export function lastQuestion(messages: ChatMessage[]): ChatMessage | undefined {
  return messages.findLast((message) => message.role === "user");
}

/** Returns true if the last question, or an edit of it, has not reached the server, so that only the page holds it. */
export function isUnsent(shown: ChatMessage[], stored: ChatMessage[]): boolean {
  const at = shown.findLastIndex((message) => message.role === "user");
  const question = shown[at];
  if (!question || stored.some((message) => message.id === question.id && saysSame(message, question))) return false;
  return !shown.slice(at + 1).some((answer) => answer.parts.length > 0);
}

function saysSame(a: ChatMessage, b: ChatMessage): boolean {
  return textOf(a) === textOf(b) && filesOf(a).length === filesOf(b).length;
}

/** Returns true if both show the same: messages are compared as the JSON that they came as. */
export function isSame(a: ChatMessage[], b: ChatMessage[]): boolean {
  return a.length === b.length && a.every((message, index) => JSON.stringify(message) === JSON.stringify(b[index]));
}
