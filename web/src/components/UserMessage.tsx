import { memo, useState } from "react";
import { filesOf, textOf } from "../conversation/parts";
import type { ChatMessage } from "../types";
import { EditForm } from "./EditForm";
import { FileList } from "./FileList";
import { Icon } from "./Icon";

interface Props {
  message: ChatMessage;
  onEdit: (text: string) => void;
}

export const UserMessage = memo(
  function UserMessage({ message, onEdit }: Props) {
    const [isEditing, setEditing] = useState(false);
    const text = textOf(message);
    const files = filesOf(message);
    return (
      <article className="message user" aria-label="You">
        <FileList files={files} />
        {isEditing ? (
          <EditForm
            text={text}
            mayBeEmpty={files.length > 0}
            onCancel={() => setEditing(false)}
            onSave={(changed) => {
              setEditing(false);
              onEdit(changed);
            }}
          />
        ) : (
          <div className="said">
            {text && <p className="bubble">{text}</p>}
            <button type="button" className="quiet" aria-label="Edit" title="Edit" onClick={() => setEditing(true)}>
              <Icon name="edit" />
            </button>
          </div>
        )}
      </article>
    );
  },
  (before, after) => before.message === after.message,
);
