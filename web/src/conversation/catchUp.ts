// Loads the messages stored since the last request, and follows the running answer.
import type { Chat } from "@ai-sdk/react";
import { api } from "../api";
import { isSame, isUnsent, updated } from "./history";
import { toProblem } from "./problem";
import { isWaiting } from "./stop";
import type { ChatMessage, ThreadPage } from "../types";

export interface CatchUp {
  /** Follows the answer that runs. */
  follow: () => Promise<void>;
  /** Takes over what was stored meanwhile, then follows. */
  synchronise: () => Promise<void>;
}

/** Calls `onPage` with every page that was taken over. */
export function createCatchUp(chat: Chat<ChatMessage>, onPage: (page: ThreadPage) => void): CatchUp {
  /** Gives nothing if the page was not taken. */
  const fetchAndTake = async (): Promise<ThreadPage | undefined> => {
    const shown = chat.messages;
    const page = await api.messages(chat.id);
    // A change that was made while the request was under way is newer than its response.
    if (isWaiting(chat) || chat.messages !== shown || isUnsent(shown, page.messages)) return undefined;
    const next = updated(shown, page);
    if (!isSame(shown, next)) chat.messages = next;
    onPage(page);
    return page;
  };

  const follow = async () => {
    await chat.resumeStream();
    // The answer ended between the two requests: then it is stored.
    if (chat.status === "ready" && chat.lastMessage?.role === "user") await fetchAndTake();
  };

  const synchronise = async () => {
    if (isWaiting(chat)) return;
    const page = await fetchAndTake();
    if (!page) return;
    if (page.running || (chat.error && toProblem(chat.error, true).kind === "disconnected")) chat.clearError();
    if (page.running) await follow();
  };

  return { follow, synchronise };
}
