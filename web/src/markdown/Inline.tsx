import type { Token } from "marked";
import type { ReactNode } from "react";
import { decode } from "./entities";
import { safeHref } from "./links";
import { known } from "./token";

/** The inline content of a paragraph. HTML is shown as text. */
export function inline(tokens: Token[] | undefined): ReactNode {
  return tokens?.map((token, index) => <Piece key={index} token={known(token)} />);
}

function Piece({ token }: { token: ReturnType<typeof known> }): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <del>{inline(token.tokens)}</del>;
    case "codespan":
      return <code>{token.text}</code>;
    case "br":
      return <br />;
    case "checkbox":
      return (
        <input type="checkbox" checked={token.checked} readOnly disabled aria-label={token.checked ? "Done" : "Open"} />
      );
    case "link":
      return <Anchor href={token.autolink ? token.href : decode(token.href)}>{inline(token.tokens)}</Anchor>;
    // A picture would be fetched at once, and its address can leak the conversation. A link asks first.
    case "image":
      return <Anchor href={decode(token.href)}>{decode(token.text) || "picture"}</Anchor>;
    case "escape":
      return token.text;
    case "text":
      return token.tokens ? inline(token.tokens) : decode(token.text);
    default:
      return token.raw;
  }
}

function Anchor({ href, children }: { href: string; children: ReactNode }) {
  const safe = safeHref(href);
  if (!safe) return children;
  return (
    <a href={safe} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}
