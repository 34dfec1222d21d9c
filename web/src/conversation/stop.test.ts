import { afterEach, expect, test, vi } from "vitest";
import { stopAnswer } from "./stop";
import { all, chatOf, endless, serverOf } from "../testing/scripted";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const heard = (stopping: boolean) => () => Response.json({ stopping });
const begin = async (...answers: boolean[]) => {
  const chat = chatOf(all());
  serverOf(endless("a1"), ...answers.map(heard));
  void chat.sendMessage({ text: "q1" });
  await vi.waitFor(() => expect(chat.status).toBe("streaming"));
  vi.useFakeTimers();
  const stopped = stopAnswer(chat);
  await vi.runAllTimersAsync();
  return { chat, hasEnded: await stopped };
};

test("a question that is still on its way is stopped when it arrives", async () => {
  const { chat, hasEnded } = await begin(false, false, true);
  expect(hasEnded).toBe(true);
  expect(chat.lastMessage?.metadata?.aborted).toBe(true);
});

test("an answer that the server does not stop is not called stopped", async () => {
  const { chat, hasEnded } = await begin(...Array<boolean>(40).fill(false));
  expect(hasEnded).toBe(false);
  expect(chat.status).toBe("ready");
  expect(chat.lastMessage?.metadata?.aborted).toBeUndefined();
});
