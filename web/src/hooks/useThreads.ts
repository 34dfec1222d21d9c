// The list of conversations, newest activity first, page by page. Fetched again when the window gets the focus.
import { useCallback } from "react";
import useSWRInfinite from "swr/infinite";
import { api, get, paths } from "../api";
import { isWorthRetrying, type Problem, toProblem } from "../conversation/problem";
import type { ThreadList, ThreadSummary } from "../types";

export interface Threads {
  /** Undefined until the first page is there. */
  threads: ThreadSummary[] | undefined;
  problem: Problem | undefined;
  hasMore: boolean;
  isLoadingMore: boolean;
  loadMore: () => void;
  refresh: () => void;
  rename: (id: string, title: string) => Promise<void>;
  remove: (id: string) => Promise<void>;
}

export function useThreads(): Threads {
  const { data, error, isValidating, size, setSize, mutate } = useSWRInfinite<ThreadList, unknown>(
    (index: number, before: ThreadList | null) =>
      index === 0 ? paths.threads(null) : before?.nextCursor ? paths.threads(before.nextCursor) : null,
    get,
    { revalidateAll: false, revalidateFirstPage: true, persistSize: true, shouldRetryOnError: isWorthRetrying },
  );

  const refresh = useCallback(() => void mutate(), [mutate]);
  const change = useCallback(
    (edit: (threads: ThreadSummary[]) => ThreadSummary[]) =>
      mutate((pages) => pages?.map((page) => ({ ...page, threads: edit(page.threads) })), { revalidate: false }),
    [mutate],
  );
  const rename = useCallback(
    async (id: string, title: string) => {
      await api.rename(id, title);
      await change((threads) => threads.map((thread) => (thread.id === id ? { ...thread, title } : thread)));
    },
    [change],
  );
  const remove = useCallback(
    async (id: string) => {
      await api.remove(id);
      await change((threads) => threads.filter((thread) => thread.id !== id));
    },
    [change],
  );

  return {
    threads: data && unique(data.flatMap((page) => page.threads)),
    problem: error === undefined ? undefined : toProblem(error),
    hasMore: Boolean(data?.at(-1)?.nextCursor),
    isLoadingMore: isValidating && data !== undefined && data.length < size,
    loadMore: useCallback(() => void setSize((pages) => pages + 1), [setSize]),
    refresh,
    rename,
    remove,
  };
}

/** A conversation that moves up between two pages comes twice. */
function unique(threads: ThreadSummary[]): ThreadSummary[] {
  return [...new Map(threads.map((thread) => [thread.id, thread] as const).reverse()).values()].reverse();
}
