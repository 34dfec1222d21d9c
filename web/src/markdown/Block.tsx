import type { Token, Tokens } from "marked";
import type { ReactNode } from "react";
import { CodeBlock } from "./CodeBlock";
import { inline } from "./Inline";
import { known } from "./token";

/** A block of Markdown. */
export function blocks(tokens: Token[]): ReactNode {
  return tokens.map((token, index) => <Block key={index} token={token} />);
}

interface Props {
  token: Token;
  /** The depth of the answer's own highest heading, which is one level below the page's. */
  topHeading?: number;
}

export function Block({ token: any, topHeading = 1 }: Props): ReactNode {
  const token = known(any);
  switch (token.type) {
    case "space":
    case "def":
      return null;
    case "paragraph":
      return <p>{inline(token.tokens)}</p>;
    case "heading":
      return (
        <Heading depth={token.depth} level={token.depth - topHeading + 2}>
          {inline(token.tokens)}
        </Heading>
      );
    case "code":
      return <CodeBlock language={token.lang} text={token.text} />;
    case "blockquote":
      return <blockquote>{blocks(token.tokens)}</blockquote>;
    case "list":
      return <List list={token} />;
    case "table":
      return <Table table={token} />;
    case "hr":
      return <hr />;
    case "html":
      return <p className="raw-html">{token.text.trim()}</p>;
    default:
      return inline([any]);
  }
}

/** Looks as deep as it was written, and counts as the level that follows on the page's h1. */
function Heading({ depth, level, children }: { depth: number; level: number; children: ReactNode }) {
  const Level = `h${Math.min(Math.max(level, 2), 6)}` as "h2" | "h3" | "h4" | "h5" | "h6";
  return <Level className={`heading-${depth}`}>{children}</Level>;
}

function List({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, index) => (
    <li key={index} className={item.task ? "task" : undefined}>
      {blocks(item.tokens)}
    </li>
  ));
  return list.ordered ? <ol start={list.start === "" ? 1 : list.start}>{items}</ol> : <ul>{items}</ul>;
}

function Table({ table }: { table: Tokens.Table }) {
  const cell = (as: "th" | "td") => (content: Tokens.TableCell, index: number) => {
    const Cell = as;
    return (
      <Cell
        key={index}
        className={content.align ? `align-${content.align}` : undefined}
        {...(as === "th" && { scope: "col" })}
      >
        {inline(content.tokens)}
      </Cell>
    );
  };
  return (
    <div className="table" tabIndex={0} role="group" aria-label="Table">
      <table>
        <thead>
          <tr>{table.header.map(cell("th"))}</tr>
        </thead>
        <tbody>
          {table.rows.map((row, index) => (
            <tr key={index}>{row.map(cell("td"))}</tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
