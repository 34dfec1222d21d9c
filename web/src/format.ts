// Numbers and times as people read them.
import type { Metadata, Usage } from "./types";

const integer = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** `840 ms`, `1.2 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `12`, `1.2K`. */
export const count = (value: number) => short.format(value);

/** Formats a cost: `$0.42`; less than a cent is not rounded to zero. */
export const dollars = (value: number) => (value > 0 && value < 0.01 ? "< $0.01" : `$${value.toFixed(2)}`);

/** `12 in, 340 out`; nothing if the provider reported nothing. */
export function tokens(usage: Usage | undefined): string | undefined {
  const parts = [
    usage?.inputTokens === undefined ? undefined : `${count(usage.inputTokens)} in`,
    usage?.outputTokens === undefined ? undefined : `${count(usage.outputTokens)} out`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? undefined : `${parts.join(", ")}`;
}

/** Every figure that is known of an answer, as name and value. */
export function details({
  usage,
  latencyMs,
  ttftMs,
  model,
  rawFinishReason,
  finishReason,
}: Metadata): [string, string][] {
  const number = (value: number | undefined) => (value === undefined ? undefined : integer.format(value));
  const time = (ms: number | undefined) => (ms === undefined ? undefined : duration(ms));
  const rows: [string, string | undefined][] = [
    ["Model", model || undefined],
    ["Total time", time(latencyMs)],
    ["First words after", time(ttftMs)],
    ["Input tokens", number(usage?.inputTokens)],
    ["of these from cache", number(usage?.inputTokenDetails?.cacheReadTokens)],
    ["Output tokens", number(usage?.outputTokens)],
    ["of these reasoning", number(usage?.outputTokenDetails?.reasoningTokens)],
    ["Ended with", rawFinishReason ?? finishReason],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== undefined);
}

/** `4.2 MB`. */
export function bytes(size: number): string {
  if (size < 1024) return size === 1 ? "1 byte" : `${size} bytes`;
  return size < 1024 * 1024 ? `${(size / 1024).toFixed(0)} KB` : `${(size / 1024 / 1024).toFixed(1)} MB`;
}

const DAY = 86_400_000;

/** Returns the heading for a conversation of `at` in the list at `now`. */
export function dayGroup(at: number, now: number): string {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (at >= midnight) return "Today";
  if (at >= midnight - DAY) return "Yesterday";
  if (at >= midnight - 7 * DAY) return "Last 7 days";
  return at >= midnight - 30 * DAY ? "Last 30 days" : "Older";
}
