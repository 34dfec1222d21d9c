import type { Problem, ProblemKind } from "../conversation/problem";
import { Icon } from "./Icon";

const TITLES: Record<ProblemKind, string> = {
  "signed-out": "This was not sent",
  offline: "You are offline",
  disconnected: "Connection lost",
  busy: "An answer is being written already",
  missing: "Not there",
  refused: "This was not accepted",
  failed: "That did not work",
};

const ACTIONS: Partial<Record<ProblemKind, string>> = { busy: "Show it", disconnected: "Reconnect" };

export function ProblemBanner({ problem, onRetry }: { problem: Problem; onRetry: () => Promise<void> }) {
  return (
    <div className="problem" role="alert">
      <Icon name="warning" />
      <div>
        <strong>{TITLES[problem.kind]}</strong>
        <p>{problem.message}</p>
      </div>
      <button type="button" onClick={() => void onRetry()}>
        {ACTIONS[problem.kind] ?? "Try again"}
      </button>
    </div>
  );
}
