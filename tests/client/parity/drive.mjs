// Sends requests with the real client and notes all that a page could see of the answers. Reads one JSON command a
// line, many at a time, and answers each with one JSON line, `{id, …}`. With `report` it also says `{id, seen}` for each
// event that has come. `{id, leave: true}` drops a connection. Ends with stdin.
import { setImmediate } from "node:timers/promises";
import { AbstractChat, DefaultChatTransport } from "ai";
import { broken } from "./broken.mjs";
import { linesOf } from "./lines.mjs";

class PlainState {
  status = "ready";
  error = undefined;
  constructor(messages) {
    this.messages = messages;
  }
  pushMessage = (message) => this.messages.push(message);
  popMessage = () => this.messages.pop();
  replaceMessage = (index, message) => {
    this.messages[index] = message;
  };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor({ messages, ...options }) {
    super({ ...options, state: new PlainState(messages) });
  }
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

/** One answer as it came over the wire, whatever the client makes of it. */
class Recording {
  leaving = new AbortController();
  pieces = [];
  more = Promise.withResolvers();
  seen = 0;
  wasNewline = false;

  constructor({ id, report, tamper }) {
    Object.assign(this, { id, report, tamper: broken[tamper] ?? {} });
  }

  fetch = async (url, init) => {
    const request = { ...init, signal: this.leaving.signal };
    const answer = await fetch(url, this.tamper.request?.(request) ?? request);
    const response = (await this.tamper.response?.(answer)) ?? answer;
    this.head = { status: response.status, headers: Object.fromEntries(response.headers) };
    this.whole = this.read(response.body);
    return new Response(ReadableStream.from(this.copy()), { status: response.status, headers: response.headers });
  };

  async read(body) {
    try {
      for await (const bytes of body ?? []) {
        this.pieces.push(bytes);
        if (this.report) this.count(bytes);
        this.wake();
      }
      this.end = "clean";
    } catch (error) {
      this.error = error;
      this.end = this.leaving.signal.aborted ? "open" : "torn";
    }
    this.wake();
  }

  wake() {
    this.more.resolve();
    this.more = Promise.withResolvers();
  }

  /**
   * What the client reads. It stops at an error, the recording does not. An error throws away what waits in the client's
   * streams, so it comes once they are empty, as it does on any network.
   */
  async *copy() {
    for (let next = 0; ; ) {
      if (next < this.pieces.length) yield this.pieces[next++];
      else if (this.error) await setImmediate().then(() => Promise.reject(this.error));
      else if (this.end) return;
      else await this.more.promise;
    }
  }

  count(bytes) {
    const before = this.seen;
    for (const byte of bytes) {
      if (byte === 10 && this.wasNewline) this.seen += 1;
      this.wasNewline = byte === 10;
    }
    if (this.seen > before) say({ id: this.id, seen: this.seen });
  }

  async outcome() {
    if (!this.head) return { status: 0, headers: {}, end: "unanswered", chunks: [], framing: "", done: false };
    await this.whole;
    const body = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(this.pieces));
    const isStream = this.head.headers["content-type"]?.startsWith("text/event-stream");
    return { ...this.head, end: this.end, ...(isStream ? events(body) : { body, chunks: [], framing: "", done: false }) };
  }
}

/** Strict: one line of data an event, as the route promises. Comments may stand between. */
function events(body) {
  const frames = body.split("\n\n");
  const rest = frames.pop();
  const data = frames.filter((frame) => !frame.startsWith(":"));
  const isWhole = rest === "" && data.every((frame) => frame.startsWith("data: ") && !/[\r\n]/.test(frame));
  const done = data.at(-1) === "data: [DONE]";
  const chunks = data.slice(0, done ? -1 : undefined).map(chunkOf);
  return { chunks, done, framing: isWhole ? "whole events" : "something that is no whole event" };
}

function chunkOf(frame) {
  try {
    return JSON.parse(frame.slice("data: ".length));
  } catch {
    return { unreadable: frame };
  }
}

function ask(chat, { messages, regenerate, messageId }) {
  if (regenerate) return chat.regenerate({ messageId });
  if (messageId != null) return chat.sendMessage({ ...messages.find((message) => message.id === messageId), messageId });
  if (messages.at(-1)?.role !== "user") return chat.sendMessage();
  return chat.sendMessage(chat.state.popMessage());
}

const running = new Map();

async function run(command) {
  const { id, url, headers, threadId, model, messages } = command;
  const recording = new Recording(command);
  running.set(id, recording);
  const transport = new DefaultChatTransport({ api: url, headers, body: { threadId, model }, fetch: recording.fetch });
  const chat = new Chat({ id: threadId, transport, messages: structuredClone(messages) });
  await ask(chat, command);
  const client = { status: chat.status, errorName: chat.error?.name, error: chat.error?.message };
  say({ id, ...(await recording.outcome()), client, messages: chat.messages });
  running.delete(id);
}

for await (const line of linesOf(process.stdin)) {
  const command = JSON.parse(line);
  if (command.leave) running.get(command.id)?.leaving.abort();
  else void run(command).catch((error) => say({ id: command.id, failed: String(error?.stack ?? error) }));
}
process.exit();
