import { useEffect, useState } from "react";
import { type Attachment } from "../conversation/files";
import { bytes } from "../format";
import type { Attachments } from "../hooks/useAttachments";
import { Icon } from "./Icon";

/** The files that go along with the next question, and why others do not. */
export function AttachmentList({ attachments: { list, refusals, remove } }: { attachments: Attachments }) {
  return (
    <>
      {refusals.length > 0 && (
        <div className="error-text" role="alert">
          {refusals.map((refusal) => (
            <p key={refusal}>{refusal}</p>
          ))}
        </div>
      )}
      {list.length > 0 && (
        <ul className="attachments" aria-label="Attachments">
          {list.map((attachment) => (
            <Item key={attachment.id} attachment={attachment} onRemove={() => remove(attachment.id)} />
          ))}
        </ul>
      )}
    </>
  );
}

function Item({ attachment: { file }, onRemove }: { attachment: Attachment; onRemove: () => void }) {
  return (
    <li className="chip">
      {file.type.startsWith("image/") ? <Preview file={file} /> : <Icon name="file" />}
      <span className="name">{file.name}</span>
      <span className="size">{bytes(file.size)}</span>
      <button type="button" className="quiet" aria-label={`Remove ${file.name}`} title="Remove" onClick={onRemove}>
        <Icon name="close" />
      </button>
    </li>
  );
}

function Preview({ file }: { file: File }) {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return url ? <img src={url} alt="" /> : null;
}
