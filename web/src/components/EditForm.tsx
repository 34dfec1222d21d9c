import { type FormEvent, type KeyboardEvent, useState } from "react";
import { sendsOnEnter } from "../keyboard";

interface Props {
  text: string;
  mayBeEmpty: boolean;
  onSave: (text: string) => void;
  onCancel: () => void;
}

export function EditForm({ text, mayBeEmpty, onSave, onCancel }: Props) {
  const [draft, setDraft] = useState(text);
  const isEmpty = draft.trim() === "" && !mayBeEmpty;
  const save = (event: FormEvent | KeyboardEvent) => {
    event.preventDefault();
    if (!isEmpty) onSave(draft.trim());
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Escape") {
      event.preventDefault();
      onCancel();
    } else if (sendsOnEnter(event)) save(event);
  };
  return (
    <form className="edit" onSubmit={save}>
      <textarea
        aria-label="Edit message"
        value={draft}
        rows={3}
        autoFocus
        onFocus={({ target }) => target.setSelectionRange(target.value.length, target.value.length)}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
      />
      <p className="hint">The conversation goes on from here; what came after this message is left out.</p>
      <div className="actions">
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
        <button type="submit" className="primary" disabled={isEmpty}>
          Send edit
        </button>
      </div>
    </form>
  );
}
