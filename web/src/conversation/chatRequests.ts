// The requests of the user in one conversation, and the exact repetition of one that was refused.
import type { Chat } from "@ai-sdk/react";
import { type FileUIPart, generateId } from "ai";
import { lastQuestion, prepended } from "./history";
import { AGAIN } from "./transport";
import type { ChatMessage } from "../types";

/** A question that was removed from the page, for the user to send later. */
export interface Withdrawn {
  question: ChatMessage;
  /** An edit's files are still in the message that it would have replaced. */
  isEdit: boolean;
}

export interface ChatRequests {
  send: (text: string, files: FileUIPart[]) => Promise<void>;
  edit: (messageId: string, text: string, files: FileUIPart[]) => Promise<void>;
  regenerate: () => Promise<void>;
  /** Repeats the last request. */
  retry: () => Promise<void>;
  /** Forgets the last request. To be called when the page shows what is stored. */
  clear: () => void;
}

interface LastRequest {
  kind: "send" | "edit" | "regenerate";
  questionId: string | undefined;
  /** The messages shown before; undefined once the question is known to be stored. */
  before: ChatMessage[] | undefined;
}

/** Calls `onWithdrawn` with a question that never reached the server, when another one takes its place. */
export function createChatRequests(chat: Chat<ChatMessage>, onWithdrawn: (withdrawn: Withdrawn) => void): ChatRequests {
  let last: LastRequest | undefined;
  const remember = (kind: LastRequest["kind"], questionId: string | undefined) => {
    last = { kind, questionId, before: chat.messages };
  };

  /** Restores the messages that preceded a question without any answer. */
  const withdraw = (): Withdrawn | undefined => {
    const question = chat.lastMessage;
    if (!last?.before || question?.role !== "user" || question.id !== last.questionId) return undefined;
    const { kind, before } = last;
    last = undefined;
    const others = chat.messages.filter(({ id }) => id !== question.id);
    chat.messages = prepended(others, before);
    return kind === "regenerate" ? undefined : { question, isEdit: kind === "edit" };
  };

  const sendNew = (text: string, files: FileUIPart[]) => {
    const id = generateId();
    remember("send", id);
    return chat.sendMessage({ id, role: "user", parts: [...files, { type: "text", text }] });
  };
  const regenerate = () => {
    remember("regenerate", lastQuestion(chat.messages)?.id);
    return chat.regenerate();
  };

  return {
    send: (text, files) => {
      const withdrawn = withdraw();
      if (withdrawn) onWithdrawn(withdrawn);
      return sendNew(text, files);
    },
    edit: (messageId, text, files) => {
      const withdrawn = withdraw();
      if (withdrawn && withdrawn.question.id !== messageId) onWithdrawn(withdrawn);
      // The server cannot edit a question that it never received.
      if (!chat.messages.some(({ id }) => id === messageId)) return sendNew(text, files);
      remember("edit", messageId);
      return chat.sendMessage({ text, files, messageId });
    },
    regenerate,
    retry: () => {
      const question = lastQuestion(chat.messages);
      const kind = question && question.id === last?.questionId ? last?.kind : undefined;
      if (chat.lastMessage?.role !== "user") return regenerate();
      if (kind === "regenerate") return chat.regenerate();
      return chat.sendMessage(undefined, kind === "edit" ? {} : { metadata: AGAIN });
    },
    clear: () => {
      if (!last) return;
      last.before = undefined;
      if (lastQuestion(chat.messages)?.id === last.questionId) return;
      last = undefined;
      chat.clearError();
    },
  };
}
