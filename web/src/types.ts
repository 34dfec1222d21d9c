// The types of the API. The backend leaves out fields that it does not know.
import type { UIMessage } from "ai";

/** Token counts as the provider reported them. */
export interface Usage {
  inputTokens?: number;
  inputTokenDetails?: { noCacheTokens?: number; cacheReadTokens?: number; cacheWriteTokens?: number };
  outputTokens?: number;
  outputTokenDetails?: { textTokens?: number; reasoningTokens?: number };
  totalTokens?: number;
}

/** The metadata of an answer. Times are in milliseconds. */
export interface Metadata {
  model?: string;
  createdAt?: number;
  usage?: Usage;
  finishReason?: string;
  rawFinishReason?: string;
  latencyMs?: number;
  ttftMs?: number;
  /** True if a user stopped the answer. */
  aborted?: boolean;
  /** The stable name of what went wrong. */
  error?: string;
}

export type ChatMessage = UIMessage<Metadata>;
export type MessagePart = ChatMessage["parts"][number];

export interface ThreadSummary {
  id: string;
  title: string | null;
  /** Milliseconds since 1970. */
  lastActivityAt: number;
}

export interface ThreadList {
  threads: ThreadSummary[];
  nextCursor: string | null;
}

export interface ThreadPage {
  thread: ThreadSummary;
  /** Oldest first. */
  messages: ChatMessage[];
  /** Leads to older messages. */
  nextCursor: string | null;
  /** The answer that is being written now. */
  running: { streamId: string } | null;
}

export interface Model {
  id: string;
  name: string;
  provider: string;
  pricing_tier: string;
  speed_tier: string;
}

export interface ModelList {
  models: Model[];
  default: string;
}

export interface UsageReport {
  today: { turns: number; inputTokens: number; outputTokens: number; costUsd: string | null };
  limits: { turnsPerDay: number | null; parallelTurns: number | null };
}
