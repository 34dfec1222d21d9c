import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { awaitTitle } from "./awaitTitle";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a title that takes long is looked for until the backend has given up", () => {
  const look = vi.fn();
  awaitTitle(() => "What is sweet?", look);
  vi.advanceTimersByTime(20_000);
  expect(look).toHaveBeenCalledTimes(2);
  vi.runAllTimers();
  expect(look).toHaveBeenCalledTimes(3);
});

test("a title that has come is not looked for any more", () => {
  let title: string | undefined;
  const look = vi.fn(() => void (title = look.mock.calls.length < 2 ? "What is sweet?" : "On sweets"));
  awaitTitle(() => title, look);
  vi.runAllTimers();
  expect(look).toHaveBeenCalledTimes(2);
});

test("the search ends when the conversation is left", () => {
  const look = vi.fn();
  awaitTitle(() => "a", look)();
  vi.runAllTimers();
  expect(look).not.toHaveBeenCalled();
});
