// Keeps the SDK's Chat in step with the stored conversation: after a reload, a lost connection, or another tab's turn.
import type { Chat } from "@ai-sdk/react";
import { useCallback, useEffect, useRef, useState } from "react";
import { createCatchUp } from "../conversation/catchUp";
import { toProblem } from "../conversation/problem";
import type { ChatMessage, ThreadPage } from "../types";
import { useReturn } from "./useReturn";

/** A lost connection is tried again this often by itself; after that the reader, the focus or the network decide. */
const RECONNECT_AFTER_MS = [500, 2000, 5000];

interface Options {
  chat: Chat<ChatMessage>;
  /** True if an answer was running when the conversation was opened. */
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

  const [{ follow, synchronise }] = useState(() => createCatchUp(chat, (page) => latest.current.onPage(page)));

  const quietly = useCallback(async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (reason) {
      const { kind } = toProblem(reason, true);
      if (kind === "signed-out") latest.current.onSignedOut();
      if (kind === "disconnected") setLosses((count) => count && count + 1);
    }
  }, []);

  useEffect(() => {
    if (isRunning) void quietly(follow);
  }, [isRunning, follow, quietly]);

  // A conversation without a message is not on the server.
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
