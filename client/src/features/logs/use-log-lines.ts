import { useQueries, useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { useLiveInterval } from "@/api/events/hooks";
import { LOG_PAGE, logLengthQuery, logPageQuery, runQuery } from "@/api/queries";
import { pagesFor, type Rows } from "@/shared/logview/lines";
import { STATUS } from "@/shared/status/status";

/** How many lines there are, live while the run goes on. */
export function useLogLength(id: string) {
  const { data: detail } = useQuery(runQuery(id));
  const isOver = detail !== undefined && STATUS[detail.run.status].isFinal;
  const interval = useLiveInterval();
  return useQuery({ ...logLengthQuery(id), refetchInterval: isOver ? false : interval });
}

/** The text of the rows in sight, fetched page by page. */
export function useLogLines(id: string, rows: Rows, total: number) {
  const pages = pagesFor(rows, total, LOG_PAGE);
  const results = useQueries({
    queries: pages.map(({ page, lines }) => logPageQuery(id, page, lines)),
  });
  const seen = useRef(new Map<number, string[]>());
  pages.forEach(({ page }, place) => {
    const lines = results[place]?.data;
    if (lines === undefined) return;
    seen.current.delete(page); // so that it counts as the newest
    seen.current.set(page, lines);
  });
  forgetOldest(seen.current);
  const textOf = (row: number): string | undefined => {
    const page = Math.floor(row / LOG_PAGE);
    return seen.current.get(page)?.[row - page * LOG_PAGE];
  };
  return { textOf, error: results.find(({ error }) => error)?.error ?? null };
}

const KEPT = 40; // pages; about 2 MB

function forgetOldest(pages: Map<number, string[]>): void {
  for (const page of pages.keys()) {
    if (pages.size <= KEPT) return;
    pages.delete(page);
  }
}
