// Keeps the SDK's Chat in step with what the server stored: after a reload, a lost connection, or another tab's turn.
import type { Chat } from "@ai-sdk/react";
import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "../api";
import { isSame, isUnsent, updated } from "../history";
import { problemOf } from "../problem";
import { isWaiting } from "../stop";
import type { ChatMessage, ThreadPage } from "../types";
import { useReturn } from "./useReturn";

/** A lost connection is tried again this often by itself; after that the reader, the focus or the network decide. */
const RECONNECT_AFTER_MS = [500, 2000, 5000];

interface Options {
  chat: Chat<ChatMessage>;
  /** Whether an answer ran when the conversation was opened. */
  isRunning: boolean;
  onPage: (page: ThreadPage) => void;
  onSignedOut: () => void;
}

export interface Synchroniser {
  /** Takes over what was stored meanwhile, and follows the answer that runs. */
  synchronise: () => Promise<void>;
  /** To be called with the outcome of every answer. */
  ended: (outcome: { isDisconnect: boolean; isError: boolean }) => void;
}

export function useSynchroniser({ chat, isRunning, ...callbacks }: Options): Synchroniser {
  const latest = useRef(callbacks);
  latest.current = callbacks;
  const [losses, setLosses] = useState(0);

  const take = useCallback(
    (page: ThreadPage) => {
      if (isWaiting(chat) || isUnsent(chat.messages, page.messages)) return false;
      const next = updated(chat.messages, page);
      if (!isSame(chat.messages, next)) chat.messages = next;
      latest.current.onPage(page);
      return true;
    },
    [chat],
  );

  const follow = useCallback(async () => {
    await chat.resumeStream();
    // The answer ended between the two requests: then it is stored.
    if (chat.status === "ready" && chat.lastMessage?.role === "user") take(await api.messages(chat.id));
  }, [chat, take]);

  const synchronise = useCallback(async () => {
    if (isWaiting(chat)) return;
    const page = await api.messages(chat.id);
    if (!take(page)) return;
    if (page.running || (chat.error && problemOf(chat.error, true).kind === "disconnected")) chat.clearError();
    if (page.running) await follow();
  }, [chat, follow, take]);

  const quietly = useCallback(async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (reason) {
      const { kind } = problemOf(reason, true);
      if (kind === "signed-out") latest.current.onSignedOut();
      if (kind === "disconnected") setLosses((count) => count && count + 1);
    }
  }, []);

  useEffect(() => {
    if (isRunning) void quietly(follow);
  }, [isRunning, follow, quietly]);

  // A conversation that nobody began is not on the server.
  useReturn(() => {
    if (chat.messages.length > 0) void quietly(synchronise);
  });

  useEffect(() => {
    const wait = RECONNECT_AFTER_MS[losses - 1];
    if (wait === undefined) return;
    const timer = setTimeout(() => void quietly(synchronise), wait);
    return () => clearTimeout(timer);
  }, [losses, quietly, synchronise]);

  const ended = useCallback(({ isDisconnect, isError }: { isDisconnect: boolean; isError: boolean }) => {
    if (isDisconnect) setLosses((count) => count + 1);
    else if (!isError) setLosses(0);
  }, []);

  return { synchronise, ended };
}
