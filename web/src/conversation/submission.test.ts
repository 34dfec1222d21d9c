import { expect, test, vi } from "vitest";
import { type Submission, submitter } from "./submission";
import { deferred } from "../testing/scripted";

const nothing = { text: "", hasFiles: false };
const submission = (given: Partial<Submission>) => {
  const done: string[] = [];
  const { promise, resolve } = deferred<[]>();
  const complete: Submission = {
    text: "a",
    hasFiles: true,
    onBegin: () => done.push("begin"),
    take: () => (done.push("take"), promise),
    send: async () => void done.push("send"),
    ...given,
  };
  return { complete, done, read: () => resolve([]) };
};

test("two clicks while files are read send once", async () => {
  const onReading = vi.fn();
  const submit = submitter(onReading);
  const { complete, done, read } = submission({});
  const both = [submit(complete), submit(complete)];
  read();
  await Promise.all(both);
  expect(done).toEqual(["begin", "take", "send"]);
  expect(onReading.mock.calls).toEqual([[true], [false]]);
  await submit(complete);
  expect(done).toHaveLength(6);
});

test("a conversation begins before its files are read", () => {
  const { complete, done } = submission({});
  void submitter(vi.fn())(complete);
  expect(done).toEqual(["begin", "take"]);
});

test("neither nothing nor what cannot be read is sent", async () => {
  const empty = submission(nothing);
  await submitter(vi.fn())(empty.complete);
  expect(empty.done).toEqual([]);
  const unreadable = submission({ take: async () => undefined });
  await submitter(vi.fn())(unreadable.complete);
  expect(unreadable.done).toEqual(["begin"]);
});
