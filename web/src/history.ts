// What a page holds of a conversation, beside what the server holds.
import { filesOf, textOf } from "./parts";
import type { ChatMessage, ThreadPage } from "./types";

/** What to show once `page`, the end of the conversation, has come: older messages stay if it goes on from them. */
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

/** Whether the last question, or an edit of it, has not reached the server: then it is here and nowhere else. */
export function isUnsent(shown: ChatMessage[], stored: ChatMessage[]): boolean {
  const at = shown.findLastIndex((message) => message.role === "user");
  const question = shown[at];
  if (!question || stored.some((message) => message.id === question.id && saysSame(message, question))) return false;
  return !shown.slice(at + 1).some((answer) => answer.parts.length > 0);
}

function saysSame(a: ChatMessage, b: ChatMessage): boolean {
  return textOf(a) === textOf(b) && filesOf(a).length === filesOf(b).length;
}

/** Whether both show the same: messages are compared as the JSON that they came as. */
export function isSame(a: ChatMessage[], b: ChatMessage[]): boolean {
  return a.length === b.length && a.every((message, index) => JSON.stringify(message) === JSON.stringify(b[index]));
}
