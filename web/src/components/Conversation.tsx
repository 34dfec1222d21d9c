import { useEffect, useRef, useState } from "react";
import { useAnnouncer } from "../hooks/useAnnouncer";
import { useAttachments } from "../hooks/useAttachments";
import { useConversation } from "../hooks/useConversation";
import { useFileDrop } from "../hooks/useFileDrop";
import type { Models } from "../hooks/useModels";
import { useStickToBottom } from "../hooks/useStickToBottom";
import { filesOf, textOf } from "../conversation/parts";
import { submitter } from "../conversation/submission";
import type { ThreadPage } from "../types";
import { Composer } from "./Composer";
import { Icon } from "./Icon";
import { MessageList } from "./MessageList";
import { ProblemBanner } from "./ProblemBanner";
import { Welcome } from "./Welcome";

interface Props {
  threadId: string;
  page: ThreadPage | undefined;
  title: string | undefined;
  models: Models;
  /** The first question of a new conversation goes out. */
  onBegin: (threadId: string) => void;
  onActivity: () => void;
  onSignedOut: () => void;
}

export function Conversation({ threadId, page, title, models, onBegin, onActivity, onSignedOut }: Props) {
  const [draft, setDraft] = useState("");
  const attachments = useAttachments();
  const [isReading, setReading] = useState(false);
  const [submit] = useState(() => submitter(setReading));
  const conversation = useConversation({
    threadId,
    page,
    title,
    model: models.model,
    onActivity,
    onSignedOut,
    onWithdrawn: ({ question, isEdit }) => {
      setDraft((current) => [textOf(question), current].filter(Boolean).join("\n\n"));
      if (!isEdit) attachments.putBack(filesOf(question));
    },
  });
  const { messages, isBusy, isStopping, problem } = conversation;
  const drop = useFileDrop(attachments.add);
  const stick = useStickToBottom();
  const box = useRef<HTMLTextAreaElement>(null);
  const last = messages.at(-1);
  const announcement = useAnnouncer(last?.role === "assistant" ? textOf(last) : "", isBusy);
  useEscape(isBusy, conversation.stop);

  const stop = () => {
    // The button goes away, and must not take the focus with it.
    box.current?.focus();
    void conversation.stop();
  };
  const send = () =>
    submit({
      text: draft.trim(),
      hasFiles: attachments.list.length > 0,
      onBegin: () => onBegin(threadId),
      take: attachments.take,
      send: async (text, files) => {
        // Text that was typed while the files were read stays.
        setDraft((current) => (current.trim() === text ? "" : current));
        stick.toBottom();
        await conversation.send(text, files);
      },
    });

  return (
    <div className="conversation" {...drop.handlers}>
      <div className="scroller" ref={stick.scroller} tabIndex={0} role="region" aria-label="Conversation">
        <div className="content" ref={stick.content}>
          {messages.length === 0 && !isBusy ? (
            <Welcome onPick={(text) => (setDraft(text), box.current?.focus())} />
          ) : (
            <MessageList
              conversation={conversation}
              models={models.models}
              onEdited={stick.toBottom}
              onOlder={stick.keepPlace}
            />
          )}
          {problem && <ProblemBanner problem={problem} onRetry={conversation.retry} />}
        </div>
      </div>
      {!stick.isAtBottom && (
        <button type="button" className="jump" aria-label="Jump to the latest message" onClick={stick.toBottom}>
          <Icon name="down" />
        </button>
      )}
      <Composer
        box={box}
        draft={draft}
        onDraft={setDraft}
        attachments={attachments}
        models={models}
        isBusy={isBusy}
        isStopping={isStopping}
        isReading={isReading}
        onSend={send}
        onStop={stop}
      />
      <p className="visually-hidden" role="status" aria-live="polite">
        {announcement}
      </p>
      {drop.isOver && <div className="drop-target">Drop files to attach them</div>}
    </div>
  );
}

/** Esc stops the answer, unless a dialog is open or a form has used the key. */
function useEscape(isBusy: boolean, stop: () => Promise<void>) {
  useEffect(() => {
    if (!isBusy) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      void stop();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [isBusy, stop]);
}
