// The route that the function replaces, written with the AI SDK itself. It stores nothing and asks for no session.
// Reads one JSON line a setup, `{name, protocol, baseURL, apiKey, system, sendSources}`, serves it on a port of its own,
// and answers with `{name, url}`. Ends with stdin.
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { createGateway } from "@ai-sdk/gateway";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { convertToModelMessages, createIdGenerator, streamText } from "ai";
import { linesOf } from "./lines.mjs";

globalThis.AI_SDK_LOG_WARNINGS = false;
// A broken stream also rejects promises of the result that are not awaited here.
process.on("unhandledRejection", () => {});

const generateMessageId = createIdGenerator({ size: 21 });

const providers = {
  native: ({ baseURL, apiKey }) => createGateway({ baseURL, apiKey }),
  openai: ({ baseURL, apiKey }) => createOpenAICompatible({ name: "gateway", baseURL, apiKey, includeUsage: true }),
};

async function route({ provider, system, sendSources }, body) {
  const { messages, model } = JSON.parse(body);
  const result = streamText({
    model: provider(model),
    instructions: system,
    messages: await convertToModelMessages(messages),
    onError: () => {},
  });
  result.consumeStream();
  return result.toUIMessageStreamResponse({
    originalMessages: messages,
    generateMessageId,
    sendSources,
    // Where the route takes the usage that it saves.
    onFinish: () => Promise.resolve(result.totalUsage).catch(() => {}),
  });
}

/** As a server for web responses does it: a body that fails takes the connection with it, once all before it is sent. */
async function serve(setup, request, response) {
  try {
    const answer = await route(setup, await text(request));
    response.writeHead(answer.status, Object.fromEntries(answer.headers));
    for await (const bytes of answer.body) response.write(bytes);
    response.end();
  } catch {
    if (response.headersSent) response.socket?.destroySoon();
    else response.writeHead(500).end();
  }
}

for await (const line of linesOf(process.stdin)) {
  const setup = JSON.parse(line);
  setup.provider = providers[setup.protocol](setup);
  const server = createServer((request, response) => void serve(setup, request, response));
  await once(server.listen(0, "127.0.0.1"), "listening");
  process.stdout.write(`${JSON.stringify({ name: setup.name, url: `http://127.0.0.1:${server.address().port}` })}\n`);
}
process.exit();
