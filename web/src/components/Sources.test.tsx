import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { sourcesOf } from "../conversation/parts";
import type { ChatMessage } from "../types";
import { Sources } from "./Sources";

const page = (sourceId: string, url: string, title?: string) => ({
  type: "source-url" as const,
  sourceId,
  url,
  ...(title && { title }),
});
const html = (...parts: ChatMessage["parts"]) =>
  renderToStaticMarkup(<Sources sources={sourcesOf({ id: "a", role: "assistant", parts })} />);

test("the sources of an answer are a list of links, each once", () => {
  const found = html(
    page("1", "https://www.example.com/a", "About a"),
    { type: "text", text: "a" },
    page("2", "https://www.example.com/a", "About a"),
    page("3", "https://example.org/b"),
  );
  expect(found.match(/<li>/g)).toHaveLength(2);
  expect(found).toContain('href="https://www.example.com/a"');
  expect(found).toContain('About a <span class="host">example.com</span>');
  expect(found, "one without a title is called by its host").toContain(">example.org <");
});

test("a document is named, and is no link", () => {
  const document = { type: "source-document" as const, sourceId: "1", mediaType: "text/plain", filename: "b.txt" };
  expect(html({ ...document, title: "B" })).toContain("<li>B</li>");
  expect(html({ ...document, title: "" })).toContain("<li>b.txt</li>");
});

test("an address that would do harm is no link", () => {
  const found = html(page("1", "javascript:alert(1)", "Click"), page("2", "no address"));
  expect(found).not.toContain("<a ");
  expect(found).toContain("Click");
});

test("two sources under one id are both shown", () => {
  expect(html(page("s", "https://a.example"), page("s", "https://b.example")).match(/<li>/g)).toHaveLength(2);
});

test("an answer without sources has no list", () => {
  expect(html({ type: "text", text: "a" })).toBe("");
});
