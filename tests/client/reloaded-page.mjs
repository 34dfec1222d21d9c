// A page that is loaded again for each command: a chat of the real AI SDK that begins with the given messages, performs
// one action and returns its state. Reads one JSON command a line and answers each with one JSON line. A line with
// `received` may come before it, once a number of chunks has arrived.
// The argument names the package: ai, or an alias of another major version.
import { createInterface } from "node:readline";

const { AbstractChat, DefaultChatTransport } = await import(process.argv[2] ?? "ai");

/** The smallest state a chat can do with; React and Vue bring their own. */
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

/** The actions of a page: `resume` is what `useChat({ resume: true })` does when it is mounted. */
const acts = {
  resume: (chat) => chat.resumeStream(),
  send: (chat, { message }) => chat.sendMessage(message),
  regenerate: (chat, { messageId }) => chat.regenerate({ messageId }),
};

/** The page that is open; `stay` in a command goes on in it. */
let open;

function load({ url, headers, thread, messages, stay }) {
  if (stay && open) return open;
  const transport = new RecordingTransport({ api: url, headers, body: { threadId: thread } });
  return { transport, chat: new Chat({ id: thread, transport, messages }) };
}

async function perform(command) {
  open = load(command);
  const { chat, transport } = open;
  const chunks = [];
  transport.onChunk = (chunk) => {
    chunks.push(chunk);
    if (chunks.length === command.reportAfter) print({ received: chunks.length });
    if (chunks.length === command.leaveAfter) void chat.stop();
  };
  chat.clearError();
  await acts[command.act](chat, command);
  const { status, error, messages } = chat;
  return { status, error: error?.message, errorName: error?.name, chunks, messages };
}

const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  print(await perform(JSON.parse(line)));
}
