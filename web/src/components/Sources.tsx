import { safeHref } from "../markdown/links";
import { hostOf, type Source } from "../conversation/parts";

export function Sources({ sources }: { sources: Source[] }) {
  if (sources.length === 0) return null;
  return (
    <section className="sources" aria-label="Sources">
      <h2>Sources</h2>
      <ol>
        {sources.map((source) => (
          <li key={source.url ?? source.id}>
            <SourceLink {...source} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function SourceLink({ title, url }: Source) {
  const href = url && safeHref(url);
  if (!href) return title;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {title} <span className="host">{hostOf(href)}</span>
    </a>
  );
}
