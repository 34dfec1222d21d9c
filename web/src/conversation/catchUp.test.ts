import { afterEach, expect, test, vi } from "vitest";
import { createCatchUp } from "./catchUp";
import { all, answered, chatOf, deferred, pageOf, serverOf, texts } from "../testing/scripted";

afterEach(() => void vi.unstubAllGlobals());

/** A page that travels until it is let go. */
function late(...messages: string[]) {
  const { promise, resolve } = deferred<Response>();
  return { promise, arrive: () => resolve(Response.json(pageOf(all(...messages)))) };
}

test("a page that comes after a newer answer is dropped", async () => {
  const chat = chatOf(all("q1", "a1"));
  const onPage = vi.fn();
  const page = late("q1", "a1");
  serverOf(page.promise, answered("a2"));
  const synchronised = createCatchUp(chat, onPage).synchronise();
  await chat.sendMessage({ text: "q2" });
  page.arrive();
  await synchronised;
  expect(texts(chat.messages)).toBe("q1 a1 q2 a2");
  expect(onPage).not.toHaveBeenCalled();
});

test("so is one that was fetched since nothing could be followed", async () => {
  const chat = chatOf(all("q1"));
  const page = late("q1", "a1");
  serverOf(new Response(null, { status: 204 }), page.promise, answered("a2"));
  const followed = createCatchUp(chat, vi.fn()).follow();
  await vi.waitFor(() => expect(chat.status).toBe("ready"));
  await new Promise((resolve) => setTimeout(resolve));
  await chat.sendMessage({ text: "q2" });
  page.arrive();
  await followed;
  expect(texts(chat.messages)).toBe("q1 q2 a2");
});

test("a page of what another tab asked is taken", async () => {
  const chat = chatOf(all("q1", "a1"));
  const onPage = vi.fn();
  serverOf(Response.json(pageOf(all("q1", "a1", "q2", "a2"))));
  await createCatchUp(chat, onPage).synchronise();
  expect(texts(chat.messages)).toBe("q1 a1 q2 a2");
  expect(onPage).toHaveBeenCalledOnce();
});
