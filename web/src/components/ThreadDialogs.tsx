import { useState } from "react";
import type { ThreadSummary } from "../types";
import { Dialog } from "./Dialog";
import { titleOf } from "./ThreadItem";

const MAX_TITLE = 80;

interface RenameProps {
  thread: ThreadSummary;
  onRename: (title: string) => Promise<void>;
  onClose: () => void;
}

export function RenameDialog({ thread, onRename, onClose }: RenameProps) {
  const [title, setTitle] = useState(thread.title ?? "");
  return (
    <Dialog title="Rename conversation" action="Rename" onClose={onClose} onConfirm={() => onRename(title.trim())}>
      <label className="field">
        Title
        <input
          value={title}
          maxLength={MAX_TITLE}
          required
          pattern=".*\S.*"
          autoFocus
          onFocus={(event) => event.target.select()}
          onChange={(event) => setTitle(event.target.value)}
        />
      </label>
    </Dialog>
  );
}

interface DeleteProps {
  thread: ThreadSummary;
  onDelete: () => Promise<void>;
  onClose: () => void;
}

export function DeleteDialog({ thread, onDelete, onClose }: DeleteProps) {
  return (
    <Dialog title="Delete conversation?" action="Delete" isDangerous onClose={onClose} onConfirm={onDelete}>
      <p>“{titleOf(thread)}” and everything in it will be gone for good.</p>
    </Dialog>
  );
}
