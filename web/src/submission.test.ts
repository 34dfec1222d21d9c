import { expect, test, vi } from "vitest";
import { type Submission, submitter } from "./submission";
import { deferred } from "./testing/scripted";

const nothing = { text: "", hasFiles: false };
const submission = (said: Partial<Submission>) => {
  const done: string[] = [];
  const { promise, resolve } = deferred<[]>();
  const whole: Submission = {
    text: "a",
    hasFiles: true,
    onBegin: () => done.push("begin"),
    take: () => (done.push("take"), promise),
    send: async () => void done.push("send"),
    ...said,
  };
  return { whole, done, read: () => resolve([]) };
};

test("two clicks while files are read send once", async () => {
  const onReading = vi.fn();
  const submit = submitter(onReading);
  const { whole, done, read } = submission({});
  const both = [submit(whole), submit(whole)];
  read();
  await Promise.all(both);
  expect(done).toEqual(["begin", "take", "send"]);
  expect(onReading.mock.calls).toEqual([[true], [false]]);
  await submit(whole);
  expect(done).toHaveLength(6);
});

test("a conversation begins before its files are read", () => {
  const { whole, done } = submission({});
  void submitter(vi.fn())(whole);
  expect(done).toEqual(["begin", "take"]);
});

test("neither nothing nor what cannot be read is sent", async () => {
  const empty = submission(nothing);
  await submitter(vi.fn())(empty.whole);
  expect(empty.done).toEqual([]);
  const unreadable = submission({ take: async () => undefined });
  await submitter(vi.fn())(unreadable.whole);
  expect(unreadable.done).toEqual(["begin"]);
});
