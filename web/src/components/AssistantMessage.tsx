import { memo } from "react";
import { endingOf } from "../conversation/ending";
import { sourcesOf, textOf } from "../conversation/parts";
import type { ChatMessage, Model } from "../types";
import { AnswerFooter } from "./AnswerFooter";
import { AnswerPart } from "./AnswerPart";
import { Sources } from "./Sources";

interface Props {
  message: ChatMessage;
  models: Model[];
  isWriting: boolean;
  /** True while the error is shown below the messages. */
  hidesEnding: boolean;
  /** Only for the last answer. */
  onRegenerate: (() => Promise<void>) | undefined;
}

export const AssistantMessage = memo(
  function AssistantMessage({ message, models, isWriting, hidesEnding, onRegenerate }: Props) {
    const ending = isWriting || hidesEnding ? undefined : endingOf(message.metadata);
    const lastPart = message.parts.length - 1;
    const isSilent = !message.parts.some((part) => part.type !== "step-start");
    return (
      <article className="message assistant" aria-label="Assistant" aria-busy={isWriting}>
        {message.parts.map((part, index) => (
          <AnswerPart key={index} part={part} isWriting={isWriting && index === lastPart} />
        ))}
        {isWriting && isSilent && <span className="dots" aria-hidden="true" />}
        {!isWriting && isSilent && !ending && !hidesEnding && <p className="hint">This answer is empty.</p>}
        <Sources sources={sourcesOf(message)} />
        {ending && (
          <p className={`ending ${ending.label === "Failed" ? "is-failure" : ""}`}>
            <strong>{ending.label}</strong> {ending.explanation}
          </p>
        )}
        {!isWriting && !(isSilent && hidesEnding) && (
          <AnswerFooter
            metadata={message.metadata}
            models={models}
            text={textOf(message)}
            onRegenerate={onRegenerate}
          />
        )}
      </article>
    );
  },
  (before, after) =>
    before.message === after.message &&
    before.models === after.models &&
    before.isWriting === after.isWriting &&
    before.hidesEnding === after.hidesEnding &&
    (before.onRegenerate === undefined) === (after.onRegenerate === undefined),
);
