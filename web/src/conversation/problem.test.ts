import { describe, expect, test } from "vitest";
import { ApiError, toProblem, refusal } from "./problem";

const json = (code: string, message: string) => JSON.stringify({ error: { code, message } });
const sdkError = (statusCode: number, body: string) =>
  Object.assign(new Error(body), { statusCode, responseBody: body });

describe("a problem is shown in the server's own sentence", () => {
  const cases: [name: string, error: unknown, kind: string, message: string][] = [
    ["401", sdkError(401, json("unauthorized", "Please sign in.")), "signed-out", "Please sign in."],
    ["limit", sdkError(429, json("turns_per_day", "That was all for today.")), "failed", "That was all for today."],
    ["busy", sdkError(409, json("turn_in_progress", "Being answered.")), "busy", "Being answered."],
    ["conflict", sdkError(409, json("message_conflict", "It differs.")), "refused", "It differs."],
    ["our own", new ApiError(404, json("not_found", "There is none.")), "missing", "There is none."],
    [
      "a proxy's page",
      sdkError(502, "<html>Bad gateway</html>"),
      "failed",
      "The server answered with status 502. Please try again.",
    ],
    ["an error chunk", new Error("The model is overloaded."), "failed", "The model is overloaded."],
  ];
  test.each(cases)("%s", (_name, error, kind, message) => {
    expect(toProblem(error, true)).toEqual({ kind, message });
  });
});

test("a connection that broke is not the model's fault", () => {
  expect(toProblem(new TypeError("Failed to fetch"), true).kind).toBe("disconnected");
  expect(toProblem(new TypeError("network error"), true).kind).toBe("disconnected");
  expect(toProblem(new TypeError("Failed to fetch"), false).kind).toBe("offline");
});

test("what the parser says is not shown", () => {
  expect(toProblem(new Error("Type validation failed: Value: {}"), true).message).not.toContain("validation");
});

test("anything but an error object says nothing", () => {
  for (const body of ["", "null", "[]", "{}", '{"error":null}', '{"error":{"message":7}}', "<html>"]) {
    expect(refusal(body), body).toBeUndefined();
  }
});
