import { type ClipboardEvent, type FormEvent, type KeyboardEvent, type RefObject, useEffect } from "react";
import { ACCEPT } from "../conversation/files";
import type { Attachments } from "../hooks/useAttachments";
import { useAutoHeight } from "../hooks/useAutoHeight";
import type { Models } from "../hooks/useModels";
import { sendsOnEnter } from "../keyboard";
import { AttachmentList } from "./AttachmentList";
import { Icon } from "./Icon";
import { ModelPicker } from "./ModelPicker";

interface Props {
  box: RefObject<HTMLTextAreaElement | null>;
  draft: string;
  onDraft: (draft: string) => void;
  attachments: Attachments;
  models: Models;
  isBusy: boolean;
  isStopping: boolean;
  /** True while the files of the question that is being sent are read. */
  isReading: boolean;
  onSend: () => Promise<void>;
  onStop: () => void;
}

export function Composer({ box, draft, onDraft, attachments, models, onSend, onStop, ...state }: Props) {
  const { isBusy, isStopping, isReading } = state;
  useAutoHeight(box, draft);
  // On a touch screen the focus would bring up the keyboard.
  useEffect(() => {
    if (matchMedia("(hover: hover)").matches) box.current?.focus();
  }, [box]);

  const isEmpty = draft.trim() === "" && attachments.list.length === 0;
  const send = (event: FormEvent | KeyboardEvent) => {
    event.preventDefault();
    if (!isEmpty) void onSend();
  };
  const onPaste = (event: ClipboardEvent) => {
    if (event.clipboardData.files.length === 0) return;
    event.preventDefault();
    attachments.add(event.clipboardData.files);
  };
  return (
    <form className="composer" aria-label="New message" onSubmit={send}>
      <AttachmentList attachments={attachments} />
      <textarea
        id="message"
        ref={box}
        aria-label="Message"
        aria-keyshortcuts="Enter"
        placeholder="Ask something…"
        rows={1}
        value={draft}
        onChange={(event) => onDraft(event.target.value)}
        onKeyDown={(event) => sendsOnEnter(event) && send(event)}
        onPaste={onPaste}
      />
      <div className="controls">
        <label className="quiet attach" title="Attach files">
          <Icon name="attach" />
          <span className="visually-hidden">Attach files</span>
          <input
            type="file"
            multiple
            accept={ACCEPT}
            onChange={({ target }) => {
              attachments.add(target.files ?? []);
              // Lets the user choose the same file again.
              target.value = "";
            }}
          />
        </label>
        <ModelPicker models={models} />
        <span className="spacer" />
        {isBusy && (
          <button type="button" className="stop" aria-keyshortcuts="Escape" onClick={onStop} disabled={isStopping}>
            <span className="square" aria-hidden="true" /> {isStopping ? "Stopping…" : "Stop"}
          </button>
        )}
        <button type="submit" className="send" aria-label="Send" title="Send" disabled={isEmpty || isReading}>
          <Icon name="send" />
        </button>
      </div>
    </form>
  );
}
