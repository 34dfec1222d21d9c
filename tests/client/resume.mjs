// A page that is loaded anew for each command: a chat of the real AI SDK that begins with the messages it is given, does
// one thing, and says what it shows. Reads one JSON command a line, answers each with one JSON line, before which it
// may say that it has begun to hear.
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

/** What a page does: `resume` is what `useChat({ resume: true })` does when it is mounted. */
const acts = {
  resume: (chat) => chat.resumeStream(),
  send: (chat, { message }) => chat.sendMessage(message),
  regenerate: (chat, { messageId }) => chat.regenerate({ messageId }),
};

/** The page that is open; `stay` in a command goes on in it. */
let open;

function load({ url, headers, thread, messages, stay }) {
  if (stay && open) return open;
  const transport = new NotingTransport({ api: url, headers, body: { threadId: thread } });
  return { transport, chat: new Chat({ id: thread, transport, messages }) };
}

async function perform(command) {
  open = load(command);
  const { chat, transport } = open;
  const chunks = [];
  transport.heard = (chunk) => {
    chunks.push(chunk);
    if (chunks.length === command.tellAfter) tell({ heard: chunks.length });
    if (chunks.length === command.leaveAfter) void chat.stop();
  };
  chat.clearError();
  await acts[command.act](chat, command);
  const { status, error, messages } = chat;
  return { status, error: error?.message, errorName: error?.name, chunks, messages };
}

const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  tell(await perform(JSON.parse(line)));
}
