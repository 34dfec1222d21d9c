import { expect, test } from "vitest";
import { admit, MAX_BYTES, mediaTypeOf, toFile } from "./files";

const file = (name: string, type: string, size = 10) => ({ name, type, size });

test("files are taken until they fill a message", () => {
  const half = MAX_BYTES / 2;
  const chosen = [
    file("a.png", "image/png", half),
    file("b.pdf", "application/pdf", half),
    file("c.txt", "text/plain", 1),
  ];
  const { taken, refusals } = admit([], chosen);
  expect(taken.map(({ name }) => name)).toEqual(["a.png", "b.pdf"]);
  expect(refusals).toEqual([
    "“c.txt” has 1 byte, the files before it 4.0 MB. All files of one message may have 4.0 MB together.",
  ]);
});

test("what is there already counts", () => {
  expect(admit([file("a.png", "image/png", MAX_BYTES)], [file("b.png", "image/png", 1)]).taken).toEqual([]);
});

test("only what the backend takes is sent", () => {
  const types: [string, string, string | undefined][] = [
    ["notes.md", "", "text/markdown"],
    ["notes.txt", "text/plain;charset=utf-8", "text/plain"],
    ["drawing.svg", "image/svg+xml", undefined],
    ["page.html", "text/html", undefined],
    ["unknown", "", undefined],
  ];
  for (const [name, type, expected] of types) expect(mediaTypeOf({ name, type }), name).toBe(expected);
});

test("a file that was not sent is itself again", async () => {
  const part = { type: "file" as const, mediaType: "text/plain", filename: "a.txt", url: "data:text/plain;base64,w6k=" };
  const again = toFile(part);
  expect([again?.name, again?.type, await again?.text()]).toEqual(["a.txt", "text/plain", "é"]);
  expect(toFile({ ...part, url: "https://example.org/a.txt" })).toBeUndefined();
});
