import { type RefObject, useLayoutEffect } from "react";

/**
 * Shows a dialog above everything for as long as it is on the page. It is closed before it is taken away: only then does
 * the browser give the focus back to where it came from.
 */
export function useModal(dialog: RefObject<HTMLDialogElement | null>): void {
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, [dialog]);
}
