import { QueryCache, QueryClient } from "@tanstack/react-query";
import { keys } from "./keys";
import { ApiError } from "./problem";

const RETRIES = 2;
const FRESH_MS = 30_000; // hints tell of changes sooner

/** What the server refused stays refused; only silence and its own faults are tried again. */
export function isWorthRetrying(failures: number, error: Error): boolean {
  const isRefusal = error instanceof ApiError && error.status >= 400 && error.status < 500;
  return !isRefusal && failures < RETRIES;
}

export function makeQueryClient(): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError: (error, query) => {
        const isMe = query.queryKey[0] === keys.me()[0];
        // Somebody whose session is over is told once, by what asks who is looking.
        if (error instanceof ApiError && error.code === "sign_in_needed" && !isMe) {
          void client.invalidateQueries({ queryKey: keys.me() });
        }
      },
    }),
    defaultOptions: {
      queries: { staleTime: FRESH_MS, retry: isWorthRetrying, networkMode: "always" },
      mutations: { networkMode: "always" },
    },
  });
  return client;
}
