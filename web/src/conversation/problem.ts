// Errors in sentences for the user. Does not know components.

/** The kinds of problems, by the action that helps. */
export type ProblemKind = "signed-out" | "offline" | "disconnected" | "busy" | "missing" | "refused" | "failed";

export interface Problem {
  kind: ProblemKind;
  /** A sentence fit to show. */
  message: string;
}

/** A refusal of the API. */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly status: number,
    readonly body: string,
  ) {
    super(refusal(body)?.message ?? `The server answered with status ${status}.`);
  }
}

/** Returns the fields of `{"error":{"code","message"}}`, or undefined if `body` is anything else, such as a proxy's page. */
export function refusal(body: string): { code?: string; message: string } | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; message?: unknown } };
    if (typeof error?.message !== "string" || error.message === "") return undefined;
    return typeof error.code === "string" ? { code: error.code, message: error.message } : { message: error.message };
  } catch {
    return undefined;
  }
}

/** Returns the problem that `error` is for the user of the page. */
export function toProblem(error: unknown, online = navigator.onLine): Problem {
  if (!online)
    return {
      kind: "offline",
      message:
        "There is no network. What was not sent can be tried again; an answer that had begun goes on without this page.",
    };
  if (isConnectionError(error)) {
    return {
      kind: "disconnected",
      message: "The connection was lost. An answer that had begun goes on without this page.",
    };
  }
  const status = statusOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (status === undefined) return { kind: "failed", message: streamProblem(message) };
  const refused = refusal(bodyOf(error) ?? message);
  return {
    kind: kindOf(status, refused?.code),
    message: refused?.message ?? `The server answered with status ${status}. Please try again.`,
  };
}

/** Returns true if the same request may succeed soon without any action. */
export function isWorthRetrying(error: unknown): boolean {
  const status = statusOf(error);
  return status === undefined || status >= 500;
}

function kindOf(status: number, code: string | undefined): ProblemKind {
  if (status === 401) return "signed-out";
  if (status === 404) return "missing";
  if (code === "turn_in_progress") return "busy";
  return status >= 500 || status === 429 ? "failed" : "refused";
}

/** The SDK's own errors carry `statusCode` and `responseBody`, ours `status` and `body`. */
function statusOf(error: unknown): number | undefined {
  const { status, statusCode } = (error ?? {}) as { status?: unknown; statusCode?: unknown };
  const known = status ?? statusCode;
  return typeof known === "number" ? known : undefined;
}

function bodyOf(error: unknown): string | undefined {
  const { body, responseBody } = (error ?? {}) as { body?: unknown; responseBody?: unknown };
  const known = body ?? responseBody;
  return typeof known === "string" ? known : undefined;
}

/** The words of the browsers for a request that did not arrive, or a body that broke off. */
export function isConnectionError(error: unknown): boolean {
  return error instanceof TypeError && /fetch|network|load failed|connection/i.test(error.message);
}

/** Returns the text of an `error` chunk, which is the server's; errors of the SDK's parser are for developers only. */
function streamProblem(message: string): string {
  const vague =
    message === "" || message === "An error occurred." || /^(Type validation|JSON parsing) failed/.test(message);
  return vague ? "The model could not finish its answer. Please try again." : message;
}
