// The ending of an answer that did not end in the ordinary way.
import type { Metadata } from "../types";

export interface Ending {
  /** One word for the badge. */
  label: "Stopped" | "Interrupted" | "Failed" | "Cut off" | "Withheld";
  /** The meaning, and what the user can do. */
  explanation: string;
}

const INTERRUPTED = ["deadline", "shutdown", "interrupted"];

/** Returns nothing for a complete answer. */
export function endingOf(metadata: Metadata | undefined): Ending | undefined {
  if (!metadata) return undefined;
  const { aborted, error, finishReason } = metadata;
  if (aborted) return { label: "Stopped", explanation: "This answer was stopped before its end." };
  if (finishReason === "interrupted" || (error && INTERRUPTED.includes(error))) {
    return {
      label: "Interrupted",
      explanation: "The server had to end this answer early. What came until then is kept.",
    };
  }
  if (error || finishReason === "error") return { label: "Failed", explanation: failure(error) };
  if (finishReason === "length") {
    return { label: "Cut off", explanation: "The answer reached its greatest length. Ask for the rest to go on." };
  }
  if (finishReason === "content-filter") {
    return { label: "Withheld", explanation: "The provider's content filter ended this answer." };
  }
  return undefined;
}

function failure(error: string | undefined): string {
  if (error === "too_long") return "The answer grew too long to keep. What came until then is kept.";
  if (error?.endsWith("_timeout")) return "The model fell silent. What came until then is kept.";
  if (error === "gateway_unreachable") return "The model could not be reached.";
  if (error === "gateway_refused") return "The model's provider refused the request.";
  return "Something went wrong before the answer was complete.";
}
