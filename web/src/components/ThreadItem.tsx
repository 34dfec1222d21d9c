import { hrefOf } from "../hooks/useRoute";
import type { ThreadSummary } from "../types";
import { Icon } from "./Icon";

export const titleOf = ({ title }: ThreadSummary) => title?.trim() || "Untitled";

interface Props {
  thread: ThreadSummary;
  /** The heading above it, if it is the first of its day. */
  group: string | undefined;
  isCurrent: boolean;
  onOpened: () => void;
  onRename: () => void;
  onDelete: () => void;
}

export function ThreadItem({ thread, group, isCurrent, onOpened, onRename, onDelete }: Props) {
  const title = titleOf(thread);
  return (
    <li data-group={group}>
      <div className={isCurrent ? "thread current" : "thread"}>
        <a href={hrefOf(thread.id)} aria-current={isCurrent ? "page" : undefined} title={title} onClick={onOpened}>
          {title}
        </a>
        <button type="button" className="quiet" aria-label={`Rename “${title}”`} title="Rename" onClick={onRename}>
          <Icon name="edit" />
        </button>
        <button type="button" className="quiet" aria-label={`Delete “${title}”`} title="Delete" onClick={onDelete}>
          <Icon name="trash" />
        </button>
      </div>
    </li>
  );
}
