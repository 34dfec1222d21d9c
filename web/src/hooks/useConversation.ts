// One conversation: the SDK's Chat and its actions.
import { Chat, useChat } from "@ai-sdk/react";
import type { FileUIPart } from "ai";
import { useCallback, useEffect, useRef, useState } from "react";
import { api } from "../api";
import { createChatRequests, type Withdrawn } from "../conversation/chatRequests";
import { awaitTitle } from "../conversation/awaitTitle";
import { prepended } from "../conversation/history";
import { type Problem, toProblem } from "../conversation/problem";
import { isWaiting, stopAnswer } from "../conversation/stop";
import { createTransport } from "../conversation/transport";
import type { ChatMessage, ThreadPage } from "../types";
import { useSynchroniser } from "./useSynchroniser";

export interface Conversation {
  messages: ChatMessage[];
  /** True while an answer is being written or waited for. */
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
  /** The title in the list of conversations. */
  title: string | undefined;
  /** An answer begins or ends: the list of conversations has changed. */
  onActivity: () => void;
  onSignedOut: () => void;
  /** A question that was not sent makes room for another, and should not be lost. */
  onWithdrawn: (withdrawn: Withdrawn) => void;
}

export function useConversation(options: Options): Conversation {
  const { threadId, page, onSignedOut } = options;
  const latest = useRef(options);
  latest.current = options;
  const [cursor, setCursor] = useState(page?.nextCursor ?? null);
  const [isStopping, setStopping] = useState(false);
  // An error outside of the stream, which keeps its own.
  const [problem, setProblem] = useState<unknown>();

  const hasLeft = useRef(false);
  const stopTitle = useRef<() => void>(undefined);
  const ended = useRef<(outcome: { isDisconnect: boolean; isError: boolean }) => void>(undefined);
  const [chat] = useState(
    () =>
      new Chat<ChatMessage>({
        id: threadId,
        messages: page?.messages ?? [],
        transport: createTransport(() => latest.current.model),
        onError: (error) => {
          if (toProblem(error, true).kind === "signed-out") latest.current.onSignedOut();
        },
        onFinish: (outcome) => {
          ended.current?.(outcome);
          latest.current.onActivity();
          if (hasLeft.current || chat.messages.length > 2) return;
          stopTitle.current?.();
          stopTitle.current = awaitTitle(() => latest.current.title, () => latest.current.onActivity());
        },
      }),
  );
  const [requests] = useState(() => createChatRequests(chat, (withdrawn) => latest.current.onWithdrawn(withdrawn)));
  const { messages, status, error } = useChat<ChatMessage>({ chat, throttle: 40 });
  const synchroniser = useSynchroniser({
    chat,
    isRunning: page?.running != null,
    onPage: (stored) => {
      requests.clear();
      if (chat.messages.length === stored.messages.length) setCursor(stored.nextCursor);
    },
    onSignedOut,
  });
  ended.current = synchroniser.ended;

  // Only the connection ends with the page, not the answer.
  useEffect(() => {
    hasLeft.current = false;
    return () => {
      hasLeft.current = true;
      stopTitle.current?.();
      void chat.stop();
    };
  }, [chat]);
  useEffect(() => {
    if (status === "streaming") latest.current.onActivity();
  }, [status]);

  const leave = useCallback(async () => {
    if (!isWaiting(chat)) return true;
    setStopping(true);
    const hasEnded = await stopAnswer(chat).catch(setProblem);
    setStopping(false);
    return hasEnded ?? true;
  }, [chat]);
  const { synchronise } = synchroniser;
  const stop = useCallback(async () => {
    // An answer that goes on is shown again, and can be stopped again.
    if (!(await leave())) await synchronise().catch(setProblem);
  }, [leave, synchronise]);

  const begin = async (request: () => Promise<void>) => {
    await leave();
    setProblem(undefined);
    chat.clearError();
    await request();
  };
  const retry = async () => {
    setProblem(undefined);
    const kind = chat.error && toProblem(chat.error, true).kind;
    const isLost = kind === "disconnected" && chat.lastMessage?.role === "assistant";
    if (kind === "busy" || isLost) return synchronise().catch(setProblem);
    await begin(requests.retry);
  };
  const loadOlder = async (onArrival: () => void) => {
    try {
      const older = await api.messages(threadId, cursor);
      setCursor(older.nextCursor);
      onArrival();
      chat.messages = prepended(older.messages, chat.messages);
    } catch (reason) {
      setProblem(reason);
    }
  };

  const failure = error ?? problem;
  return {
    messages,
    isBusy: status === "submitted" || status === "streaming",
    isStopping,
    problem: failure === undefined ? undefined : toProblem(failure),
    hasOlder: cursor !== null,
    send: (text, files) => begin(() => requests.send(text, files)),
    edit: (messageId, text, files) => begin(() => requests.edit(messageId, text, files)),
    regenerate: () => begin(requests.regenerate),
    retry: () => (chat.error || chat.lastMessage?.role === "user" ? retry() : Promise.resolve(setProblem(undefined))),
    stop,
    loadOlder,
  };
}
