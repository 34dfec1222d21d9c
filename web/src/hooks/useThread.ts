// The server's state of a conversation when it is opened.
import { useCallback, useEffect, useState } from "react";
import { api } from "../api";
import { type Problem, toProblem } from "../conversation/problem";
import type { ThreadPage } from "../types";
import type { Route } from "./useRoute";

export type Opened =
  | { state: "loading" }
  | { state: "failed"; problem: Problem }
  /** `page` is undefined for a new conversation. */
  | { state: "open"; page: ThreadPage | undefined };

export function useThread({ threadId, isNew }: Route): { opened: Opened; reload: () => void } {
  const [opened, setOpened] = useState<Opened & { threadId?: string }>({ state: "loading" });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    if (isNew) return setOpened({ state: "open", page: undefined, threadId });
    const abort = new AbortController();
    setOpened({ state: "loading", threadId });
    api.messages(threadId, null, abort.signal).then(
      (page) => setOpened({ state: "open", page, threadId }),
      (error: unknown) => {
        if (!abort.signal.aborted) setOpened({ state: "failed", problem: toProblem(error), threadId });
      },
    );
    return () => abort.abort();
  }, [threadId, isNew, attempt]);

  // Until the effect has run, what is here belongs to the conversation before.
  const current: Opened =
    opened.threadId === threadId ? opened : isNew ? { state: "open", page: undefined } : { state: "loading" };
  return { opened: current, reload: useCallback(() => setAttempt((count) => count + 1), []) };
}
