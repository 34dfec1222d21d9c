import { expect, test } from "vitest";
import { type BlockProps, blocksOf, isSteady } from "./steady";

const first = (text: string) => blocksOf(text)[0] as BlockProps;
const LINK = "See [docs][1].\n\n";

test("a link is drawn again when its address comes", () => {
  expect(isSteady(first(LINK), first(`${LINK}[1]: https://example.org/\n`))).toBe(false);
});

test("a block stays when the answer goes on below it", () => {
  expect(isSteady(first(LINK), first(`${LINK}More.`))).toBe(true);
});
