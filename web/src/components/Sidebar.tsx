import { useState } from "react";
import type { Threads } from "../hooks/useThreads";
import { dayGroup } from "../format";
import type { ThreadSummary } from "../types";
import { DeleteDialog, RenameDialog } from "./ThreadDialogs";
import { Icon } from "./Icon";
import { ThreadItem } from "./ThreadItem";
import { UsageLine } from "./UsageLine";

interface Props {
  threads: Threads;
  current: string;
  onNew: () => void;
  /** A conversation of the list was chosen. */
  onOpened: () => void;
  onDeleted: (id: string) => void;
}

type Asking = { about: ThreadSummary; what: "rename" | "delete" };

export function Sidebar({ threads, current, onNew, onOpened, onDeleted }: Props) {
  const [asking, setAsking] = useState<Asking>();
  const close = () => setAsking(undefined);
  return (
    <nav className="sidebar" aria-label="Conversations">
      <div className="brand">
        <img src="/icon.svg" alt="" width="28" height="28" />
        <span>Sidekiq</span>
      </div>
      <button type="button" className="new" onClick={onNew}>
        <Icon name="plus" /> New conversation
      </button>
      <div className="threads">
        <ThreadList threads={threads} current={current} onAsk={setAsking} onOpened={onOpened} />
      </div>
      <UsageLine />
      {asking?.what === "rename" && (
        <RenameDialog
          thread={asking.about}
          onRename={(title) => threads.rename(asking.about.id, title)}
          onClose={close}
        />
      )}
      {asking?.what === "delete" && (
        <DeleteDialog
          thread={asking.about}
          onDelete={async () => {
            await threads.remove(asking.about.id);
            onDeleted(asking.about.id);
          }}
          onClose={close}
        />
      )}
    </nav>
  );
}

interface ListProps {
  threads: Threads;
  current: string;
  onAsk: (asking: Asking) => void;
  onOpened: () => void;
}

function ThreadList({
  threads: { threads, problem, hasMore, isLoadingMore, loadMore, refresh },
  current,
  onAsk,
  onOpened,
}: ListProps) {
  if (!threads) {
    if (!problem) return <p className="hint">Loading…</p>;
    if (problem.kind === "signed-out")
      return <p className="hint">Your conversations appear here once you are signed in.</p>;
    return (
      <p className="hint">
        {problem.message}{" "}
        <button type="button" className="link" onClick={refresh}>
          Try again
        </button>
      </p>
    );
  }
  if (threads.length === 0) return <p className="hint">Nothing here yet. What you ask will appear here.</p>;

  const now = Date.now();
  const groups = threads.map((thread) => dayGroup(thread.lastActivityAt, now));
  return (
    <>
      <ul aria-label="Conversations">
        {threads.map((thread, index) => (
          <ThreadItem
            key={thread.id}
            thread={thread}
            group={groups[index] === groups[index - 1] ? undefined : groups[index]}
            isCurrent={thread.id === current}
            onOpened={onOpened}
            onRename={() => onAsk({ about: thread, what: "rename" })}
            onDelete={() => onAsk({ about: thread, what: "delete" })}
          />
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="more" onClick={loadMore} disabled={isLoadingMore}>
          {isLoadingMore ? "Loading…" : "Show more conversations"}
        </button>
      )}
    </>
  );
}
