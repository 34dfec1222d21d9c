// One conversation: the SDK's Chat, and what a reader can do with it.
import { Chat, useChat } from "@ai-sdk/react";
import type { FileUIPart } from "ai";
import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "../api";
import { prepended } from "../history";
import { type Problem, problemOf } from "../problem";
import { isWaiting, stopAnswer } from "../stop";
import { AGAIN, transportOf } from "../transport";
import type { ChatMessage, ThreadPage } from "../types";
import { useSynchroniser } from "./useSynchroniser";

/** A title that a model makes of the first question and answer comes somewhat after them. */
const TITLE_AFTER_MS = 4000;

export interface Conversation {
  messages: ChatMessage[];
  /** Whether an answer is being written or waited for. */
  isBusy: boolean;
  isStopping: boolean;
  problem: Problem | undefined;
  hasOlder: boolean;
  send: (text: string, files: FileUIPart[]) => Promise<void>;
  edit: (messageId: string, text: string, files: FileUIPart[]) => Promise<void>;
  regenerate: () => Promise<void>;
  /** Whatever is right after `problem`: the same question again, another answer, or the one that runs. */
  retry: () => Promise<void>;
  stop: () => Promise<void>;
  /** Calls `onArrival` just before they are shown. */
  loadOlder: (onArrival: () => void) => Promise<void>;
}

interface Options {
  threadId: string;
  page: ThreadPage | undefined;
  model: string | undefined;
  /** An answer begins or ends: the list of conversations has changed. */
  onActivity: () => void;
  onSignedOut: () => void;
}

export function useConversation(options: Options): Conversation {
  const { threadId, page, onSignedOut } = options;
  const latest = useRef(options);
  latest.current = options;
  const [cursor, setCursor] = useState(page?.nextCursor ?? null);
  const [isStopping, setStopping] = useState(false);
  // What went wrong beside the stream, which keeps its own error.
  const [trouble, setTrouble] = useState<unknown>();

  const ended = useRef<(outcome: { isDisconnect: boolean; isError: boolean }) => void>(undefined);
  const [chat] = useState(
    () =>
      new Chat<ChatMessage>({
        id: threadId,
        messages: page?.messages ?? [],
        transport: transportOf(() => latest.current.model),
        onError: (error) => {
          if (problemOf(error, true).kind === "signed-out") latest.current.onSignedOut();
        },
        onFinish: (outcome) => {
          ended.current?.(outcome);
          latest.current.onActivity();
          if (chat.messages.length <= 2) setTimeout(latest.current.onActivity, TITLE_AFTER_MS);
        },
      }),
  );
  const { messages, status, error } = useChat<ChatMessage>({ chat, throttle: 40 });
  const synchroniser = useSynchroniser({
    chat,
    isRunning: page?.running != null,
    onPage: (stored) => {
      if (chat.messages.length === stored.messages.length) setCursor(stored.nextCursor);
    },
    onSignedOut,
  });
  ended.current = synchroniser.ended;

  // Only the connection ends with the page, not the answer.
  useEffect(() => () => void chat.stop(), [chat]);
  useEffect(() => {
    if (status === "streaming") latest.current.onActivity();
  }, [status]);

  const stop = useCallback(async () => {
    if (!isWaiting(chat)) return;
    setStopping(true);
    await stopAnswer(chat).catch(setTrouble);
    setStopping(false);
  }, [chat]);

  const begin = async (request: () => Promise<void>) => {
    await stop();
    setTrouble(undefined);
    chat.clearError();
    await request();
  };
  const retry = async () => {
    setTrouble(undefined);
    const kind = chat.error && problemOf(chat.error, true).kind;
    const isLost = kind === "disconnected" && chat.lastMessage?.role === "assistant";
    if (kind === "busy" || isLost) return synchroniser.synchronise().catch(setTrouble);
    const hasNoAnswer = chat.lastMessage?.role === "user";
    await begin(() => (hasNoAnswer ? chat.sendMessage(undefined, { metadata: AGAIN }) : chat.regenerate()));
  };
  const loadOlder = async (onArrival: () => void) => {
    try {
      const older = await api.messages(threadId, cursor);
      setCursor(older.nextCursor);
      onArrival();
      chat.messages = prepended(older.messages, chat.messages);
    } catch (reason) {
      setTrouble(reason);
    }
  };

  const failure = error ?? trouble;
  return {
    messages,
    isBusy: status === "submitted" || status === "streaming",
    isStopping,
    problem: failure === undefined ? undefined : problemOf(failure),
    hasOlder: cursor !== null,
    send: (text, files) => begin(() => chat.sendMessage({ text, files })),
    edit: (messageId, text, files) => begin(() => chat.sendMessage({ text, files, messageId })),
    regenerate: () => begin(() => chat.regenerate()),
    retry: () => (chat.error || chat.lastMessage?.role === "user" ? retry() : Promise.resolve(setTrouble(undefined))),
    stop,
    loadOlder,
  };
}
