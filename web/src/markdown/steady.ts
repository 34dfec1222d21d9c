// Which blocks of an answer must be drawn again when it has grown.
import { Lexer, type Token, type Tokens } from "marked";

export interface BlockProps {
  token: Token;
  topHeading: number;
  /** All addresses that a link may name by a reference. */
  links: string;
}

/** The blocks of `text`, ready to be drawn. */
export function blocksOf(text: string): BlockProps[] {
  const tokens = new Lexer({ gfm: true }).lex(text);
  const topHeading = Math.min(...tokens.filter(isHeading).map(({ depth }) => depth));
  const links = JSON.stringify(tokens.links);
  return tokens.map((token) => ({ token, topHeading, links }));
}

/** Returns true if both look the same. A link's address may come long after the link. */
export function isSteady(before: BlockProps, after: BlockProps): boolean {
  return (
    before.token.raw === after.token.raw && before.topHeading === after.topHeading && before.links === after.links
  );
}

const isHeading = (token: Token): token is Tokens.Heading => token.type === "heading";
