import useSWR from "swr";
import { get, paths } from "../api";
import { count, dollars } from "../format";
import type { UsageReport } from "../types";

/** Answers in other tabs and on other devices count too. After one of our own, `App` has it fetched at once. */
const EVERY_MS = 60_000;

/** Today's usage. It is an extra: where it cannot be loaded, no line is shown. */
export function UsageLine() {
  const { data } = useSWR<UsageReport>(paths.usage, get, { refreshInterval: EVERY_MS, shouldRetryOnError: false });
  if (!data) return null;
  const { today, limits } = data;
  const turns =
    limits.turnsPerDay === null ? answers(today.turns) : `${today.turns} of ${answers(limits.turnsPerDay)}`;
  const cost = today.costUsd === null ? undefined : dollars(Number(today.costUsd));
  const spent = [`${count(today.inputTokens + today.outputTokens)} tokens`, cost].filter(Boolean).join(" · ");
  return (
    <p className="usage-line">
      <span>Today: {turns}</span> <span>{spent}</span>
    </p>
  );
}

const answers = (turns: number) => (turns === 1 ? "1 answer" : `${turns} answers`);
