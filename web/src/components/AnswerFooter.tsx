import { details, duration, tokens } from "../format";
import type { Metadata, Model } from "../types";
import { CopyButton } from "./CopyButton";
import { Icon } from "./Icon";

interface Props {
  metadata: Metadata | undefined;
  models: Model[];
  text: string;
  onRegenerate: (() => Promise<void>) | undefined;
}

/** The actions on an answer, and its figures. */
export function AnswerFooter({ metadata = {}, models, text, onRegenerate }: Props) {
  const name = models.find(({ id }) => id === metadata.model)?.name ?? metadata.model;
  const time = metadata.latencyMs === undefined ? undefined : duration(metadata.latencyMs);
  const summary = [name, time, tokens(metadata.usage)].filter(Boolean).join(" · ");
  return (
    <footer className="toolbar">
      {text && <CopyButton text={text} label="Copy answer" />}
      {onRegenerate && (
        <button
          type="button"
          className="quiet"
          aria-label="Regenerate"
          title="Regenerate"
          onClick={() => void onRegenerate()}
        >
          <Icon name="redo" />
        </button>
      )}
      {summary && (
        <details className="figures">
          <summary aria-label={`Details: ${summary}`}>{summary}</summary>
          <dl>
            {details(metadata).map(([term, value]) => (
              <div key={term}>
                <dt>{term}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </footer>
  );
}
