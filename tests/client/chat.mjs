// Holds conversations with the real AI SDK client. Reads one JSON command a line, answers each with one JSON line.
import { createInterface } from "node:readline";
import { AbstractChat, DefaultChatTransport } from "ai";

/** The smallest state a chat can do with; React and Vue bring their own. */
class PlainState {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => this.messages.push(message);
  popMessage = () => this.messages.pop();
  replaceMessage = (index, message) => {
    this.messages[index] = message;
  };
  snapshot = (value) => structuredClone(value);
}

class Chat extends AbstractChat {
  constructor(options) {
    super({ ...options, state: new PlainState() });
  }
}

/** The SDK's transport. What it hands on to the chat, schema passed, is noted. */
class NotingTransport extends DefaultChatTransport {
  heard = () => {};

  processResponseStream(stream) {
    const note = (chunk, controller) => {
      this.heard(chunk);
      controller.enqueue(chunk);
    };
    return super.processResponseStream(stream).pipeThrough(new TransformStream({ transform: note }));
  }
}

const conversations = new Map();

function conversation({ url, thread }) {
  const known = conversations.get(url + thread);
  if (known) return known;
  const current = { headers: {} };
  current.transport = new NotingTransport({ api: url, headers: () => current.headers, body: { threadId: thread } });
  current.chat = new Chat({ id: `chat-${thread}`, transport: current.transport });
  conversations.set(url + thread, current);
  return current;
}

async function say(command) {
  const current = conversation(command);
  const { chat, transport } = current;
  const chunks = [];
  current.headers = command.headers;
  transport.heard = (chunk) => {
    chunks.push(chunk);
    if (chunks.length === command.leaveAfter) void chat.stop();
  };
  chat.clearError();
  await (command.text == null ? chat.regenerate() : chat.sendMessage({ text: command.text }));
  const { status, error, messages } = chat;
  return { status, error: error?.message, errorName: error?.name, chunks, messages };
}

/** Half a surrogate pair is a string to JavaScript, but no text to whoever reads our lines. */
const wellFormed = (_key, value) => (typeof value === "string" ? value.toWellFormed() : value);

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await say(JSON.parse(line)), wellFormed)}\n`);
}
