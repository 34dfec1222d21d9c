// Reading a message's parts.
import type { FileUIPart } from "ai";
import type { ChatMessage } from "../types";

/** All text of a message, as it may be copied, edited or read out. */
export function textOf(message: ChatMessage): string {
  return message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n");
}

export function filesOf(message: ChatMessage): FileUIPart[] {
  return message.parts.filter((part) => part.type === "file");
}

export interface Source {
  id: string;
  title: string;
  /** Absent for a document. */
  url?: string;
}

/** Returns the sources of an answer, each once. */
export function sourcesOf(message: ChatMessage): Source[] {
  const sources = new Map<string, Source>();
  for (const part of message.parts) {
    if (part.type === "source-url") {
      sources.set(part.url, { id: part.sourceId, title: part.title || hostOf(part.url), url: part.url });
    } else if (part.type === "source-document") {
      sources.set(part.sourceId, { id: part.sourceId, title: part.title || part.filename || "Document" });
    }
  }
  return [...sources.values()];
}

export function hostOf(url: string): string {
  try {
    return new URL(url).host.replace(/^www\./, "");
  } catch {
    return url;
  }
}
