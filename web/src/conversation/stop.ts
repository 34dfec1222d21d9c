// Stopping an answer for good: on the server, and in every page that reads it.
import type { Chat } from "@ai-sdk/react";
import { api } from "../api";
import type { ChatMessage } from "../types";

/** A question may still be on its way when it is stopped: the server is asked again for this long. */
const HEARD_WITHIN_MS = 3000;
const ASK_EVERY_MS = 250;
/** The time that a stopped answer has for its last chunks, usage among them, before the connection is dropped. */
const LAST_WORDS_MS = 1500;
const LOOK_EVERY_MS = 50;

/** Returns true while an answer is being written or waited for. */
export const isWaiting = (chat: Chat<ChatMessage>) => chat.status === "submitted" || chat.status === "streaming";

/**
 * Asks the server to stop, then leaves the stream. Says whether the answer has ended: where the server knew of nothing
 * to stop, it may begin later.
 *
 * @throws what `fetch` throws, or ApiError: the server may still be writing. The stream has been left all the same.
 */
export async function stopAnswer(chat: Chat<ChatMessage>): Promise<boolean> {
  let isStopping = false;
  let wasCut = false;
  try {
    isStopping = await isHeard(chat);
    if (isStopping) await hasEnded(chat);
  } finally {
    wasCut = isWaiting(chat);
    await chat.stop();
    if (wasCut && isStopping) markStopped(chat);
  }
  return isStopping || !wasCut;
}

/** Asks until the server knows of an answer to stop, or there is none to wait for. */
async function isHeard(chat: Chat<ChatMessage>): Promise<boolean> {
  const until = Date.now() + HEARD_WITHIN_MS;
  for (;;) {
    if ((await api.stop(chat.id)).stopping) return true;
    if (!isWaiting(chat) || Date.now() >= until) return false;
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}

function hasEnded(chat: Chat<ChatMessage>): Promise<void> {
  const until = Date.now() + LAST_WORDS_MS;
  return new Promise((resolve) => {
    const look = setInterval(() => {
      if (isWaiting(chat) && Date.now() < until) return;
      clearInterval(look);
      resolve();
    }, LOOK_EVERY_MS);
  });
}

/** The parts that the server stores too. */
function markStopped(chat: Chat<ChatMessage>) {
  const last = chat.lastMessage;
  if (last?.role !== "assistant") return;
  chat.messages = [...chat.messages.slice(0, -1), { ...last, metadata: { ...last.metadata, aborted: true } }];
}
