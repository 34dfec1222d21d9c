// Reads UI message streams as the real clients do, with each version's own parser, schema and reader. The arguments
// name the packages of the versions: ai, ai6, ai5.
// Reads one JSON line `{ stream, parts? }` a stream: its bytes as text, and the parts that its message should have in
// the end. Answers with one JSON line, a list with what each version made of it:
//   refused   the chunks that its schema refused: [{ type, chunk }], `type` absent for what was not even JSON
//   failures  what its reader threw, chunks of type `error` apart
//   differs   the message it ended with, if `parts` were given and are others
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";

const versions = await Promise.all(process.argv.slice(2).map((name) => import(name)));

/** JSON and back: what is undefined, infinite or negative zero looks to both sides as it would to the next reader. */
const plain = (value) => JSON.parse(JSON.stringify(value));

/** The chunks that the schema takes, and the others. */
async function chunksOf({ parseJsonEventStream, uiMessageChunkSchema }, text) {
  const bytes = new Blob([text]).stream();
  const taken = [];
  const refused = [];
  for await (const event of parseJsonEventStream({ stream: bytes, schema: uiMessageChunkSchema })) {
    if (event.success) taken.push(event.value);
    else refused.push({ type: event.rawValue?.type, chunk: event.rawValue ?? String(event.error) });
  }
  return { taken, refused };
}

/** Makes the reader show how far it is: not every chunk does. */
const LAST = { type: "message-metadata", messageMetadata: {} };

/** The message that the chunks make, and what the reader threw. */
async function fold({ readUIMessageStream }, chunks) {
  const told = new Set(chunks.filter(({ type }) => type === "error").map(({ errorText }) => errorText));
  const failures = [];
  const onError = (error) => told.has(error.message) || failures.push(String(error));
  let message = { parts: [] };
  for await (const snapshot of readUIMessageStream({ stream: ReadableStream.from([...chunks, LAST]), onError })) message = snapshot;
  return { message, failures };
}

async function read(version, { stream, parts }) {
  const { taken, refused } = await chunksOf(version, stream);
  const { message, failures } = await fold(version, taken);
  const same = parts == null || isDeepStrictEqual(plain(message.parts), plain(parts));
  return { refused, failures, differs: same ? undefined : message.parts };
}

/** Replaces unpaired surrogates, which a JavaScript string may hold and UTF-8 may not. */
const wellFormed = (_key, value) => (typeof value === "string" ? value.toWellFormed() : value);

for await (const line of createInterface({ input: process.stdin })) {
  const streams = JSON.parse(line);
  const answers = await Promise.all(versions.map((version) => read(version, streams)));
  process.stdout.write(`${JSON.stringify(answers, wellFormed)}\n`);
}
