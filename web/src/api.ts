// The typed API without the stream. Throws ApiError for a refusal, TypeError when nothing arrived.
import { ApiError } from "./conversation/problem";
import type { ThreadPage } from "./types";

async function request(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init);
  if (!response.ok) throw new ApiError(response.status, await response.text());
  return response;
}

/** Gets JSON; also the fetcher of every useSWR. */
export async function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await request(path, signal ? { signal } : {})).json() as Promise<T>;
}

const json = (method: string, body: unknown): RequestInit => ({
  method,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
});

const thread = (id: string) => `/api/threads/${encodeURIComponent(id)}`;
const query = (values: Record<string, string | null>) =>
  new URLSearchParams(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== null),
  ).toString();

export const paths = {
  threads: (cursor: string | null) => `/api/threads?${query({ limit: "30", cursor })}`,
  messages: (id: string, cursor: string | null) => `${thread(id)}/messages?${query({ limit: "100", cursor })}`,
  models: "/api/models",
  usage: "/api/usage",
};

export const api = {
  messages: (id: string, cursor: string | null = null, signal?: AbortSignal) =>
    get<ThreadPage>(paths.messages(id, cursor), signal),
  rename: (id: string, title: string) => request(thread(id), json("PATCH", { title })),
  remove: (id: string) => request(thread(id), { method: "DELETE", headers: { "content-type": "application/json" } }),
  /** `stopping` says whether there was an answer to stop. */
  stop: async (id: string) => {
    const response = await request(`/api/chat/${encodeURIComponent(id)}/stop`, json("POST", {}));
    return response.json() as Promise<{ stopping: boolean }>;
  },
};
