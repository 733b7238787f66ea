import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "./problem";

const RETRIES = 2;
const FRESH_MS = 30_000; // hints tell of changes sooner

/** What the server refused stays refused; only silence and its own faults are tried again. */
export function isWorthRetrying(failures: number, error: Error): boolean {
  const isRefusal = error instanceof ApiError && error.status >= 400 && error.status < 500;
  return !isRefusal && failures < RETRIES;
}

export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: { staleTime: FRESH_MS, retry: isWorthRetrying, networkMode: "always" },
      mutations: { networkMode: "always" },
    },
  });
}
