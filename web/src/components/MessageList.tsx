import { useState } from "react";
import type { Conversation } from "../hooks/useConversation";
import { filesOf } from "../conversation/parts";
import type { Model } from "../types";
import { AssistantMessage } from "./AssistantMessage";
import { MessageBoundary } from "./MessageBoundary";
import { UserMessage } from "./UserMessage";

interface Props {
  conversation: Conversation;
  models: Model[];
  onEdited: () => void;
  /** Earlier messages are about to come in above. */
  onOlder: () => void;
}

export function MessageList({ conversation, models, onEdited, onOlder }: Props) {
  const { messages, isBusy, problem, hasOlder, loadOlder, regenerate, retry, edit } = conversation;
  const last = messages.at(-1);
  const isWaiting = isBusy && last?.role !== "assistant";
  const isUnanswered = !isBusy && !problem && last?.role === "user";
  return (
    <>
      {hasOlder && <OlderButton onLoad={() => loadOlder(onOlder)} />}
      <ol className="messages" aria-label="Messages">
        {messages.map((message) => (
          <li key={message.id}>
            <MessageBoundary message={message}>
              {message.role === "user" ? (
                <UserMessage
                  message={message}
                  onEdit={(text) => {
                    onEdited();
                    void edit(message.id, text, filesOf(message));
                  }}
                />
              ) : (
                <AssistantMessage
                  message={message}
                  models={models}
                  isWriting={isBusy && message === last}
                  hidesEnding={message === last && problem !== undefined}
                  onRegenerate={message === last && !isBusy ? regenerate : undefined}
                />
              )}
            </MessageBoundary>
          </li>
        ))}
      </ol>
      {isWaiting && (
        <p className="waiting">
          <span className="dots" aria-hidden="true" />
          <span className="visually-hidden">Waiting for the answer</span>
        </p>
      )}
      {isUnanswered && (
        <p className="unanswered">
          This question has no answer yet.{" "}
          <button type="button" onClick={() => void retry()}>
            Try again
          </button>
        </p>
      )}
    </>
  );
}

function OlderButton({ onLoad }: { onLoad: () => Promise<void> }) {
  const [isLoading, setLoading] = useState(false);
  const load = async () => {
    setLoading(true);
    await onLoad();
    setLoading(false);
  };
  return (
    <button type="button" className="more" onClick={() => void load()} disabled={isLoading}>
      {isLoading ? "Loading…" : "Show earlier messages"}
    </button>
  );
}
