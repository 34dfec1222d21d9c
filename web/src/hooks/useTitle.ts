import { useEffect } from "react";

const NAME = "Sidekiq";

/** Names the browser's tab after the conversation. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title ? `${title} – ${NAME}` : NAME;
  }, [title]);
}
