import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createChatRequests } from "./chatRequests";
import { createCatchUp } from "./catchUp";
import { textOf } from "./parts";
import { all, answered, chatOf, pageOf, refused, serverOf, texts } from "../testing/scripted";

const LONG = ["q1", "a1", "q2", "a2"];
const withdrawn: string[] = [];
const begin = (...messages: string[]) => {
  const chat = chatOf(all(...messages));
  return { chat, requests: createChatRequests(chat, ({ question }) => withdrawn.push(textOf(question))) };
};
beforeEach(() => void (withdrawn.length = 0));
afterEach(() => void vi.unstubAllGlobals());

test("a refused edit goes out again as the edit that it is", async () => {
  const { chat, requests } = begin(...LONG);
  const asked = serverOf(refused(), answered("b1"));
  await requests.edit("q1", "new", []);
  await requests.retry();
  expect(asked[1]).toEqual(asked[0]);
  expect(asked[1]).toMatchObject({ messageId: "q1", trigger: "submit-message" });
  expect(texts(chat.messages)).toBe("new b1");
});

test("a refused question goes out again as it was, and is no edit", async () => {
  const { requests } = begin("q1", "a1");
  const asked = serverOf(refused(), answered("a2"));
  await requests.send("new", []);
  await requests.retry();
  expect(asked[1]).toEqual(asked[0]);
  expect(asked[1]).not.toHaveProperty("messageId");
});

test("another answer that was refused is asked for again", async () => {
  const { requests } = begin("q1", "a1");
  const asked = serverOf(refused(), answered("b1"));
  await requests.regenerate();
  await requests.retry();
  expect(asked.map(({ trigger }) => trigger)).toEqual(["regenerate-message", "regenerate-message"]);
});

test("a refused edit outlives a look at what is stored, and costs no other answer", async () => {
  const { chat, requests } = begin(...LONG);
  const asked = serverOf(refused(), Response.json(pageOf(all(...LONG))), answered("b1"));
  await requests.edit("q1", "new", []);
  await createCatchUp(chat, requests.clear).synchronise();
  expect(texts(chat.messages)).toBe("new");
  await requests.retry();
  expect(asked[1]).toMatchObject({ messageId: "q1", trigger: "submit-message" });
});

test("what was refused is not tried on what another tab has asked since", async () => {
  const { chat, requests } = begin("q1", "a1");
  serverOf(refused(), Response.json(pageOf(all(...LONG))));
  await requests.regenerate();
  expect(chat.error).toBeDefined();
  await createCatchUp(chat, requests.clear).synchronise();
  expect(texts(chat.messages)).toBe("q1 a1 q2 a2");
  expect(chat.error).toBeUndefined();
});

test("a refused question is given back when another one is asked", async () => {
  const { chat, requests } = begin("q1", "a1");
  serverOf(refused(), answered("a3"));
  await requests.send("lost?", []);
  await requests.send("next", []);
  expect(withdrawn).toEqual(["lost?"]);
  expect(texts(chat.messages)).toBe("q1 a1 next a3");
});

test("a refused edit is given back too, and what it would have replaced stays", async () => {
  const { chat, requests } = begin(...LONG);
  serverOf(refused(), answered("a3"));
  await requests.edit("q1", "lost?", []);
  await requests.send("next", []);
  expect(withdrawn).toEqual(["lost?"]);
  expect(texts(chat.messages)).toBe("q1 a1 q2 a2 next a3");
});

test("a refused question that is edited goes out as a new one", async () => {
  const { chat, requests } = begin("q1", "a1");
  const asked = serverOf(refused(), answered("a2"));
  await requests.send("first", []);
  await requests.edit(chat.lastMessage?.id ?? "", "second", []);
  expect(asked[1]).not.toHaveProperty("messageId");
  expect(withdrawn).toEqual([]);
  expect(texts(chat.messages)).toBe("q1 a1 second a2");
});

test("a question that is stored is not given back", async () => {
  const { chat, requests } = begin("q1", "a1");
  serverOf(refused());
  await requests.send("kept", []);
  const stored = chat.messages;
  serverOf(Response.json(pageOf(stored)), answered("a3"));
  await createCatchUp(chat, requests.clear).synchronise();
  await requests.send("next", []);
  expect(withdrawn).toEqual([]);
  expect(texts(chat.messages)).toBe("q1 a1 kept next a3");
});
