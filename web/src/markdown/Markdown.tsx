// Markdown without HTML: marked cuts the text into tokens, React makes elements of them, and nothing is ever parsed as
// HTML. So there is nothing to sanitise.
import { Lexer, type Token, type Tokens } from "marked";
import { memo, useDeferredValue } from "react";
import { Block } from "./Block";

/** A block that has not changed is not drawn again, which keeps a long answer smooth while it grows. */
const SteadyBlock = memo(
  Block,
  (before, after) => before.token.raw === after.token.raw && before.topHeading === after.topHeading,
);

/** Cutting takes a millisecond for each thousand characters, and an answer that grows is cut again and again. */
const MAX_CHARACTERS = 200_000;

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  // What is typed and clicked goes first.
  const settled = useDeferredValue(text);
  if (settled.length > MAX_CHARACTERS) return <p className="plain">{settled}</p>;
  const tokens = lex(settled);
  const topHeading = Math.min(...tokens.filter(isHeading).map(({ depth }) => depth));
  return (
    <div className="markdown">
      {tokens.map((token, index) => (
        <SteadyBlock key={index} token={token} topHeading={topHeading} />
      ))}
    </div>
  );
});

const isHeading = (token: Token): token is Tokens.Heading => token.type === "heading";

function lex(text: string): Token[] {
  return new Lexer({ gfm: true }).lex(text);
}
