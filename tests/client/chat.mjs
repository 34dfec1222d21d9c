// Holds conversations with the real AI SDK client. Reads one JSON command a line, answers each with one JSON line.
// The argument names the package of the version that is wanted: ai, ai6 or ai5.
import { createInterface } from "node:readline";

const { AbstractChat, DefaultChatTransport } = await import(process.argv[2] ?? "ai");

/** The smallest state a chat can do with; React and Vue bring their own. */
class PlainState {
  status = "ready";
  error = undefined;
  messages = [];
  changed = () => {};
  pushMessage = (message) => this.messages.push(message);
  popMessage = () => this.messages.pop();
  replaceMessage = (index, message) => {
    this.messages[index] = message;
    this.changed(message);
  };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor(options) {
    const state = new PlainState();
    super({ ...options, state });
    state.changed = (message) => this.changed(message);
  }

  changed = () => {};
}

/** The SDK's transport. Records the chunks that pass its schema and go to the chat. */
class RecordingTransport extends DefaultChatTransport {
  onChunk = () => {};

  processResponseStream(stream) {
    const record = (chunk, controller) => {
      this.onChunk(chunk);
      controller.enqueue(chunk);
    };
    return super.processResponseStream(stream).pipeThrough(new TransformStream({ transform: record }));
  }
}

const conversations = new Map();

function conversation({ url, thread }) {
  const known = conversations.get(url + thread);
  if (known) return known;
  const current = { headers: {} };
  current.transport = new RecordingTransport({ api: url, headers: () => current.headers, body: { threadId: thread } });
  current.chat = new Chat({ id: `chat-${thread}`, transport: current.transport });
  conversations.set(url + thread, current);
  return current;
}

async function say(command) {
  const current = conversation(command);
  const { chat, transport } = current;
  const chunks = [];
  current.headers = command.headers;
  transport.onChunk = (chunk) => {
    chunks.push(chunk);
    if (chunks.length === command.leaveAfter) void chat.stop();
  };
  chat.changed = ({ parts }) => {
    if (command.leaveAt != null && parts.some(({ text }) => text === command.leaveAt)) void chat.stop();
  };
  chat.clearError();
  await act(chat, command);
  const { status, error, messages } = chat;
  return { status, error: error?.message, errorName: error?.name, chunks, messages };
}

/** Does what the page's own code would do; `more` has what else `sendMessage` or `regenerate` is given. */
async function act(chat, { text, more, deny }) {
  if (deny != null) {
    await chat.addToolApprovalResponse({ id: deny, approved: false, reason: "No." });
    return chat.sendMessage();
  }
  return text == null ? chat.regenerate(more) : chat.sendMessage({ text, ...more });
}

/** Replaces unpaired surrogates, which a JavaScript string may hold and UTF-8 may not. */
const wellFormed = (_key, value) => (typeof value === "string" ? value.toWellFormed() : value);

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await say(JSON.parse(line)), wellFormed)}\n`);
}
