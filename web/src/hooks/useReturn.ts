import { useEffect, useRef } from "react";

/** Calls `onReturn` when somebody comes back to this window, or the network does. */
export function useReturn(onReturn: () => void): void {
  const latest = useRef(onReturn);
  latest.current = onReturn;

  useEffect(() => {
    const returned = () => {
      if (document.visibilityState === "visible") latest.current();
    };
    window.addEventListener("focus", returned);
    window.addEventListener("online", returned);
    document.addEventListener("visibilitychange", returned);
    return () => {
      window.removeEventListener("focus", returned);
      window.removeEventListener("online", returned);
      document.removeEventListener("visibilitychange", returned);
    };
  }, []);
}
