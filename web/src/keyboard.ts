import type { KeyboardEvent } from "react";

/**
 * Whether this key sends: Enter does, Shift+Enter begins a line. Enter also ends the choice of a character in Chinese,
 * Japanese or Korean, and on a touch screen it is the only key for a new line.
 */
export function sendsOnEnter(event: KeyboardEvent): boolean {
  if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return false;
  return !matchMedia("(hover: none) and (pointer: coarse)").matches;
}
