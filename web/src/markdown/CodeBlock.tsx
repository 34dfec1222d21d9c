import { CopyButton } from "../components/CopyButton";

export function CodeBlock({ language, text }: { language: string | undefined; text: string }) {
  const name = language?.split(/\s/, 1)[0] ?? "";
  return (
    <figure className="code">
      <figcaption>
        <span>{name || "text"}</span>
        <CopyButton text={text} label="Copy code" />
      </figcaption>
      {/* Long lines scroll, and without a mouse only what has the focus does. A group, since landmarks are few. */}
      <pre tabIndex={0} role="group" aria-label={name ? `Code, ${name}` : "Code"}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
