// The transport of questions: only the last message is sent, since the server holds the conversation.
import { DefaultChatTransport } from "ai";
import type { ChatMessage } from "../types";

/** The option of `sendMessage` for when a question goes out again exactly as it did, and was no edit. */
export const AGAIN = { again: true };

export function createTransport(model: () => string | undefined): DefaultChatTransport<ChatMessage> {
  return new DefaultChatTransport<ChatMessage>({
    api: "/api/chat",
    prepareSendMessagesRequest: ({ id, messages, trigger, messageId, requestMetadata }) => ({
      body: {
        threadId: id,
        model: model(),
        ...asked(messages),
        trigger,
        messageId: requestMetadata === AGAIN ? undefined : messageId,
      },
    }),
  });
}

/** An answer that goes on needs its parts; a question only itself. */
function asked(messages: ChatMessage[]): { message: ChatMessage } | { messages: ChatMessage[] } {
  const last = messages.at(-1);
  return last?.role === "user" ? { message: last } : { messages };
}
