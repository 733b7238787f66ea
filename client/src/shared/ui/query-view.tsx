import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Failed } from "./states";

type QueryViewProps<T> = {
  query: UseQueryResult<T>;
  loading: ReactNode;
  children: (data: T) => ReactNode;
};

/** Draw a query: its skeleton, its failure with a way on, or what it brought (also while stale). */
export function QueryView<T>({ query, loading, children }: QueryViewProps<T>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failed error={query.error} onRetry={() => void query.refetch()} />;
  return <>{loading}</>;
}
