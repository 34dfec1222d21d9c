import useSWR from "swr";
import { get, paths } from "../api";
import { count } from "../format";
import type { UsageReport } from "../types";

const EVERY_MS = 60_000;

/** What was used today. It is an extra: where it cannot be had, nothing is shown. */
export function UsageLine() {
  const { data } = useSWR<UsageReport>(paths.usage, get, { refreshInterval: EVERY_MS, shouldRetryOnError: false });
  if (!data) return null;
  const { today, limits } = data;
  const turns =
    limits.turnsPerDay === null ? `${today.turns} answers` : `${today.turns} of ${limits.turnsPerDay} answers`;
  const cost = today.costUsd === null ? undefined : `$${Number(today.costUsd).toFixed(2)}`;
  const spent = [`${count(today.inputTokens + today.outputTokens)} tokens`, cost].filter(Boolean).join(" · ");
  return (
    <p className="usage-line">
      <span>Today: {turns}</span> <span>{spent}</span>
    </p>
  );
}
