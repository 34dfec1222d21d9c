// A conversation with a scripted server.
import { Chat } from "@ai-sdk/react";
import { vi } from "vitest";
import { createTransport } from "../conversation/transport";
import type { ChatMessage, ThreadPage } from "../types";

/** Messages in a few letters: "q1" asks and "a1" answers; after a colon comes the text if it is another. */
export const all = (...short: string[]): ChatMessage[] =>
  short.map((each) => {
    const [id = "", text = id] = each.split(":");
    return { id, role: id.startsWith("a") ? "assistant" : "user", parts: [{ type: "text", text }] };
  });

/** Their texts. */
export const texts = (messages: ChatMessage[]) =>
  messages.map(({ parts }) => parts.map((part) => (part.type === "text" ? part.text : "")).join("")).join(" ");

export const pageOf = (messages: ChatMessage[], running: ThreadPage["running"] = null): ThreadPage => ({
  thread: { id: "t", title: null, lastActivityAt: 0 },
  messages,
  nextCursor: null,
  running,
});

export const refused = (status = 503) => Response.json({ error: { code: "busy", message: "Not now." } }, { status });

const events = (...chunks: object[]) => chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join("");
const streamed = (body: BodyInit) => new Response(body, { headers: { "content-type": "text/event-stream" } });
const opening = (id: string) =>
  events(
    { type: "start", messageId: id },
    { type: "text-start", id: "1" },
    { type: "text-delta", id: "1", delta: id },
  );

/** The stream of an answer that says its id. */
export const answered = (id: string) =>
  streamed(opening(id) + events({ type: "text-end", id: "1" }, { type: "finish" }));

/** One that has begun and goes on until it is cut off. */
export const endless =
  (id: string) =>
  ({ signal }: RequestInit) =>
    streamed(
      new ReadableStream({
        start: (controller) => {
          controller.enqueue(new TextEncoder().encode(opening(id)));
          signal?.addEventListener("abort", () => controller.error(signal.reason));
        },
      }),
    );

/** Something that comes when a test says so. */
export function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

type Answer = Response | Promise<Response>;

/** Answers requests in this order, and keeps the bodies that came with them. */
export function serverOf(...answers: (Answer | ((init: RequestInit) => Answer))[]): Record<string, unknown>[] {
  const bodies: Record<string, unknown>[] = [];
  vi.stubGlobal("fetch", async (_path: string, init: RequestInit = {}) => {
    const answer = answers.shift();
    if (!answer) throw new Error("unexpected request");
    if (typeof init.body === "string") bodies.push(JSON.parse(init.body) as Record<string, unknown>);
    return typeof answer === "function" ? answer(init) : answer;
  });
  return bodies;
}

export const chatOf = (messages: ChatMessage[]) =>
  new Chat<ChatMessage>({ id: "t", messages, transport: createTransport(() => "m") });
