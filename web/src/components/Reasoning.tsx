import { useState } from "react";
import { Markdown } from "../markdown/Markdown";
import { Icon } from "./Icon";

/** The model's reasoning: open while it thinks, closed afterwards, until the reader decides otherwise. */
export function Reasoning({ text, isWriting }: { text: string; isWriting: boolean }) {
  const [chosen, choose] = useState<boolean>();
  const isOpen = chosen ?? isWriting;
  return (
    <details className="fold" open={isOpen}>
      <summary
        onClick={(event) => {
          event.preventDefault();
          choose(!isOpen);
        }}
      >
        <Icon name="spark" /> {isWriting ? "Reasoning…" : "Reasoning"}
      </summary>
      {isOpen && <Markdown text={text} />}
    </details>
  );
}
