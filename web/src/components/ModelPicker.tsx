import type { Models } from "../hooks/useModels";
import type { Model } from "../types";

/** Which model the next question asks. */
export function ModelPicker({ models: { models, model, choose } }: { models: Models }) {
  if (models.length === 0) return null;
  return (
    <select className="model" aria-label="Model" value={model} onChange={(event) => choose(event.target.value)}>
      {[...byProvider(models)].map(([provider, ofProvider]) => (
        <optgroup key={provider} label={provider}>
          {ofProvider.map(({ id, name, pricing_tier, speed_tier }) => (
            <option key={id} value={id}>
              {name} · {pricing_tier} · {speed_tier}
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}

function byProvider(models: Model[]): Map<string, Model[]> {
  const groups = new Map<string, Model[]>();
  for (const model of models) groups.set(model.provider, [...(groups.get(model.provider) ?? []), model]);
  return groups;
}
