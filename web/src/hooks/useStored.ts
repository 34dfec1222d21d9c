// A choice that this browser remembers.
import { useCallback, useState } from "react";

/** Storage may be forbidden; then the choice lasts as long as the page. */
export function useStored(key: string): [value: string | undefined, store: (value: string) => void] {
  const [value, setValue] = useState(() => {
    try {
      return localStorage.getItem(key) ?? undefined;
    } catch {
      return undefined;
    }
  });
  const store = useCallback(
    (next: string) => {
      setValue(next);
      try {
        localStorage.setItem(key, next);
      } catch {
        // See above.
      }
    },
    [key],
  );
  return [value, store];
}
