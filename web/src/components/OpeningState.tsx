import type { Opened } from "../hooks/useThread";

interface Props {
  opened: Exclude<Opened, { state: "open" }>;
  onRetry: () => void;
  onNew: () => void;
}

/** The placeholder for a conversation that is still loading, or that cannot be loaded. */
export function OpeningState({ opened, onRetry, onNew }: Props) {
  if (opened.state === "loading") {
    return (
      <div className="opening" role="status">
        <span className="dots" aria-hidden="true" />
        <span className="visually-hidden">Loading the conversation</span>
      </div>
    );
  }
  if (opened.problem.kind === "signed-out") {
    return (
      <div className="opening">
        <p>This conversation is here once you are signed in.</p>
      </div>
    );
  }
  const isMissing = opened.problem.kind === "missing";
  return (
    <div className="opening" role="alert">
      <h2>{isMissing ? "There is no such conversation" : "This conversation could not be loaded"}</h2>
      <p>{isMissing ? "It may have been deleted, or belong to another account." : opened.problem.message}</p>
      <div className="actions">
        {!isMissing && (
          <button type="button" onClick={onRetry}>
            Try again
          </button>
        )}
        <button type="button" className="primary" onClick={onNew}>
          New conversation
        </button>
      </div>
    </div>
  );
}
