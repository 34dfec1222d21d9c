import useSWR from "swr";
import { get, paths } from "../api";
import { isWorthRetrying } from "../conversation/problem";
import type { Model, ModelList } from "../types";
import { useStored } from "./useStored";

export interface Models {
  models: Model[];
  /** The model of the next question. Undefined, and so the server's choice, until the list has loaded. */
  model: string | undefined;
  choose: (id: string) => void;
}

/** The models that may be asked. The one chosen last is chosen again, if it is still there. */
export function useModels(): Models {
  const { data } = useSWR<ModelList>(paths.models, get, {
    revalidateOnFocus: false,
    shouldRetryOnError: isWorthRetrying,
  });
  const [stored, choose] = useStored("model");
  const models = data?.models ?? [];
  const model = models.some(({ id }) => id === stored) ? stored : data?.default;
  return { models, model, choose };
}
