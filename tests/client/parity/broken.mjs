// Ways to break an answer, or a request, on its way: each must be noticed by the comparison. A way gets the request of
// `fetch` or its response and returns another.

const edited = (edit) => ({
  response: async (answer) =>
    new Response(edit(await answer.text()), { status: answer.status, headers: answer.headers }),
});

const withoutFrame = (type) =>
  edited((body) => body.replace(new RegExp(`data: {"type":"${type}".*\n\n`), ""));

const withHeaders = (change) => ({
  response: (answer) => {
    const headers = new Headers(answer.headers);
    change(headers);
    return new Response(answer.body, { status: answer.status, headers });
  },
});

const withBody = (change) => ({
  request: (init) => {
    const body = JSON.parse(init.body);
    change(body);
    return { ...init, body: JSON.stringify(body) };
  },
});

/** All but [DONE], and then the end of the connection. */
async function* cut(answer) {
  yield new TextEncoder().encode((await answer.text()).replace("data: [DONE]\n\n", ""));
  throw new TypeError("terminated");
}

export const broken = {
  "drop a delta": withoutFrame("text-delta"),
  "drop the end of a text": withoutFrame("text-end"),
  "drop the end of a step": withoutFrame("finish-step"),
  "drop [DONE]": edited((body) => body.replace("data: [DONE]\n\n", "")),
  "add a field": edited((body) => body.replace('{"type":"finish-step"}', '{"type":"finish-step","extra":1}')),
  "null a field": edited((body) => body.replace('"finishReason":"stop"', '"finishReason":null')),
  "change an id": edited((body) => body.replace(/("type":"text-delta","id":)"[^"]*"/, '$1"elsewhere"')),
  "change the message id's form": edited((body) => body.replace(/"messageId":"[^"]*"/, '"messageId":"1"')),
  "change a letter": edited((body) => body.replace('"delta":"H', '"delta":"J')),
  "change the reason": edited((body) => body.replace('"finishReason":"stop"', '"finishReason":"length"')),
  "swap two chunks": edited((body) => body.replace(/(data: {"type":"text-start".*\n\n)(data: .*\n\n)/, "$2$1")),
  "another kind of line": edited((body) => body.replace("data: [DONE]", "event: end\ndata: [DONE]")),
  "cut the end": {
    response: (answer) => new Response(ReadableStream.from(cut(answer)), { status: 200, headers: answer.headers }),
  },
  "drop a header": withHeaders((headers) => headers.delete("x-vercel-ai-ui-message-stream")),
  "add a header": withHeaders((headers) => headers.set("x-powered-by", "somebody")),
  "change the content type": withHeaders((headers) => headers.set("content-type", "text/event-stream; charset=utf-8")),
  "change the status": { response: (answer) => new Response(answer.body, { status: 201, headers: answer.headers }) },
  "swap two parts of the prompt": withBody(({ messages }) => messages[0].parts.reverse()),
  "drop a message of the prompt": withBody(({ messages }) => messages.shift()),
};
