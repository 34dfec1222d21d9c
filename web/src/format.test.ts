import { expect, test } from "vitest";
import { endingOf } from "./conversation/ending";
import { bytes, dayGroup, details, dollars, duration, tokens } from "./format";

test("durations are read at a glance", () => {
  expect([0, 840.4, 1234, 59_940, 59_960, 125_000].map(duration)).toEqual([
    "0 ms",
    "840 ms",
    "1.2 s",
    "59.9 s",
    "1 min 0 s",
    "2 min 5 s",
  ]);
});

test("tokens that were not reported are not shown as zero", () => {
  expect(tokens(undefined)).toBeUndefined();
  expect(tokens({})).toBeUndefined();
  expect(tokens({ outputTokens: 0 })).toBe("0 out");
  expect(tokens({ inputTokens: 1234, outputTokens: 7 })).toBe("1.2K in, 7 out");
});

test("details name only what is known", () => {
  expect(details({ model: "", latencyMs: 1500, usage: { inputTokenDetails: { cacheReadTokens: 2048 } } })).toEqual([
    ["Total time", "1.5 s"],
    ["of these from cache", "2,048"],
  ]);
});

test("less than a cent is not shown as nothing", () => {
  expect([0, 0.0042, 0.01, 1.239].map(dollars)).toEqual(["$0.00", "< $0.01", "$0.01", "$1.24"]);
});

test("sizes", () => {
  expect([12, 2048, 4.25 * 1024 * 1024].map(bytes)).toEqual(["12 bytes", "2 KB", "4.3 MB"]);
});

test("days begin at midnight", () => {
  const noon = new Date(2026, 4, 20, 12).getTime();
  const at = (day: number, hour: number) => dayGroup(new Date(2026, 4, day, hour).getTime(), noon);
  expect([at(20, 0), at(19, 23), at(18, 12), at(1, 1)]).toEqual(["Today", "Yesterday", "Last 7 days", "Last 30 days"]);
  expect(dayGroup(0, noon)).toBe("Older");
});

test("only a complete answer has no badge", () => {
  const label = (metadata: Parameters<typeof endingOf>[0]) => endingOf(metadata)?.label;
  expect(label({ finishReason: "stop", aborted: false })).toBeUndefined();
  expect(label({ aborted: true })).toBe("Stopped");
  expect(label({ error: "deadline", aborted: false })).toBe("Interrupted");
  expect(label({ error: "gateway_cut" })).toBe("Failed");
  expect(label({ finishReason: "length" })).toBe("Cut off");
});
