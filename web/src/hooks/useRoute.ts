// Which conversation the address names: `#/t/<id>`, or none for a new one.
import { generateId } from "ai";
import { useCallback, useEffect, useState } from "react";

export interface Route {
  threadId: string;
  /** True for a conversation that is not on the server yet, so that there is nothing to load. */
  isNew: boolean;
}

export const hrefOf = (threadId: string) => `#/t/${encodeURIComponent(threadId)}`;

/** Ids need not be secret, but two people must not meet: 16 characters of 62 kinds. */
const newRoute = (): Route => ({ threadId: generateId(), isNew: true });

function readRoute(): Route {
  const id = /^#\/t\/([^/]+)$/.exec(location.hash)?.[1];
  try {
    return id ? { threadId: decodeURIComponent(id), isNew: false } : newRoute();
  } catch {
    return newRoute();
  }
}

export interface Navigation {
  route: Route;
  /** Begins another conversation. */
  startNew: () => void;
  /** Puts the conversation that has just begun into the address, so that a reload finds it. */
  keep: (threadId: string) => void;
}

export function useRoute(): Navigation {
  const [route, setRoute] = useState(readRoute);

  useEffect(() => {
    const follow = () => setRoute((current) => (location.hash === hrefOf(current.threadId) ? current : readRoute()));
    // Fired for a link to another conversation too.
    window.addEventListener("popstate", follow);
    return () => window.removeEventListener("popstate", follow);
  }, []);

  const startNew = useCallback(() => {
    history.pushState(null, "", location.pathname + location.search);
    setRoute(newRoute());
  }, []);
  const keep = useCallback((threadId: string) => {
    if (location.hash !== hrefOf(threadId)) history.pushState(null, "", hrefOf(threadId));
  }, []);
  return { route, startNew, keep };
}
