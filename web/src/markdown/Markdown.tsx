// Markdown without HTML: marked cuts the text into tokens, React makes elements of them, and nothing is ever parsed as
// HTML. So there is nothing to sanitise.
import { memo, useDeferredValue } from "react";
import { Block } from "./Block";
import { type BlockProps, blocksOf, isSteady } from "./steady";

/** A block that has not changed is not drawn again, which keeps a long answer smooth while it grows. */
const SteadyBlock = memo(
  ({ token, topHeading }: BlockProps) => <Block token={token} topHeading={topHeading} />,
  isSteady,
);

/** Cutting takes a millisecond for each thousand characters, and an answer that grows is cut again and again. */
const MAX_CHARACTERS = 200_000;

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  // Typing and clicks have priority.
  const deferred = useDeferredValue(text);
  if (deferred.length > MAX_CHARACTERS) return <p className="plain">{deferred}</p>;
  return (
    <div className="markdown">
      {blocksOf(deferred).map((block, index) => (
        <SteadyBlock key={index} {...block} />
      ))}
    </div>
  );
});
