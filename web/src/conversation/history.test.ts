import { expect, test } from "vitest";
import { isUnsent, prepended, updated } from "./history";
import type { ChatMessage, ThreadPage } from "../types";

const message = (id: string): ChatMessage => ({
  id,
  role: id.startsWith("q") ? "user" : "assistant",
  parts: [{ type: "text", text: id }],
});
const all = (...ids: string[]) => ids.map(message);
const ids = (messages: ChatMessage[]) => messages.map(({ id }) => id).join(" ");
const page = (nextCursor: string | null, ...messages: string[]): ThreadPage => ({
  thread: { id: "t", title: null, lastActivityAt: 0 },
  messages: all(...messages),
  nextCursor,
  running: null,
});

test("older messages stay before the page that goes on from them", () => {
  expect(ids(updated(all("q1", "a1", "q2", "a2"), page("more", "q2", "a2", "q3")))).toBe("q1 a1 q2 a2 q3");
});

test("a page with the complete conversation replaces what is shown", () => {
  expect(ids(updated(all("q1", "a1", "q2"), page(null, "q1", "b1")))).toBe("q1 b1");
});

test("a page from elsewhere replaces what is shown", () => {
  expect(ids(updated(all("q1", "a1"), page("more", "q8", "a8")))).toBe("q8 a8");
});

test("messages that come twice are shown once", () => {
  expect(ids(prepended(all("q1", "a1"), all("a1", "q2")))).toBe("q1 a1 q2");
});

test("a question without an answer that the server does not know is unsent", () => {
  expect(isUnsent(all("q1", "a1", "q2"), all("q1", "a1"))).toBe(true);
  expect(isUnsent([...all("q1"), { ...message("a1"), parts: [] }], [])).toBe(true);
  expect(isUnsent(all("q1", "a1"), all("q0")), "it was left out by another tab's edit").toBe(false);
  expect(isUnsent(all("q1"), all("q1"))).toBe(false);
  expect(isUnsent([], [])).toBe(false);
});

test("so is an edit of which the server knows only what stood there before", () => {
  const edited: ChatMessage = { ...message("q1"), parts: [{ type: "text", text: "edited" }] };
  expect(isUnsent([edited], all("q1", "a1"))).toBe(true);
  expect(isUnsent([edited], [edited])).toBe(false);
  expect(isUnsent([edited, ...all("a1")], all("q1", "b1")), "another tab has edited it").toBe(false);
});
