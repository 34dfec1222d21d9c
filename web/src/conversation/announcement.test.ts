import { expect, test } from "vitest";
import { announcedUntil, spoken } from "./announcement";

test("an answer is announced by the sentence", () => {
  const text = "It is so. And “that too.” And th";
  const end = announcedUntil(text, 0);
  expect(text.slice(0, end)).toBe("It is so. And “that too.” ");
  expect(announcedUntil(text, end), "no new sentence is complete").toBe(end);
});

test("a number is not the end of a sentence", () => {
  expect(announcedUntil("It is 3.14159 or", 0)).toBe(0);
});

test("marks are not read out", () => {
  expect(spoken("## A *title*\n- see [this](https://e.org)\n```js\nlet a;\n```\nend")).toBe(
    "A title see this (code) end",
  );
  expect(spoken("```js\nstill open")).toBe("(code)");
});
