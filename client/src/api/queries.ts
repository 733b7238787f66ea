/** What the pages read, as TanStack Query options. */
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import type { MetricsAsked, RunsAsked } from "./asked";
import {
  getDraft,
  getLog,
  getMe,
  getMetrics,
  getRun,
  getRunSpecSchema,
  listActivity,
  listRecipes,
  listResults,
  listRuns,
  searchLog,
} from "./generated";
import { keys } from "./keys";
import { unwrap } from "./problem";

export const LOG_PAGE = 500; // lines a request; about 50 KB

export const meQuery = () =>
  queryOptions({ queryKey: keys.me(), queryFn: ({ signal }) => unwrap(getMe({ signal })) });

export const recipesQuery = () =>
  queryOptions({
    queryKey: keys.recipes(),
    queryFn: ({ signal }) => unwrap(listRecipes({ signal })),
    staleTime: Number.POSITIVE_INFINITY, // shipped with the code
  });

export const specSchemaQuery = () =>
  queryOptions({
    queryKey: keys.specSchema(),
    queryFn: ({ signal }): Promise<unknown> => unwrap(getRunSpecSchema({ signal })),
    staleTime: Number.POSITIVE_INFINITY,
  });

export const draftQuery = (id: string) =>
  queryOptions({
    queryKey: keys.draft(id),
    queryFn: ({ signal }) => unwrap(getDraft({ path: { draft_id: id }, signal })),
  });

export const runsQuery = (asked: RunsAsked) =>
  queryOptions({
    queryKey: keys.runList(asked),
    queryFn: ({ signal }) => unwrap(listRuns({ query: asked, signal })),
    placeholderData: keepPreviousData,
  });

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: keys.runDetail(id),
    queryFn: ({ signal }) => unwrap(getRun({ path: { run_id: id }, signal })),
  });

export const metricsQuery = (id: string, asked: MetricsAsked) =>
  queryOptions({
    queryKey: keys.metrics(id, asked),
    queryFn: ({ signal }) => unwrap(getMetrics({ path: { run_id: id }, query: asked, signal })),
    placeholderData: keepPreviousData,
  });

export const resultsQuery = (id: string) =>
  queryOptions({
    queryKey: keys.results(id),
    queryFn: ({ signal }) => unwrap(listResults({ path: { run_id: id }, signal })),
  });

export const activityQuery = (id: string) =>
  queryOptions({
    queryKey: keys.activity(id),
    queryFn: ({ signal }) => unwrap(listActivity({ path: { run_id: id }, signal })),
  });

/** How many lines the log has now. */
export const logLengthQuery = (id: string) =>
  queryOptions({
    queryKey: keys.logLength(id),
    queryFn: async ({ signal }) => {
      const tail = await unwrap(
        getLog({ path: { run_id: id }, query: { first: -1, count: 1 }, signal }),
      );
      return tail.total;
    },
  });

/** One page of the log, counted from 0, of which `lines` are written. */
export const logPageQuery = (id: string, page: number, lines: number) =>
  queryOptions({
    queryKey: keys.logPage(id, page, lines),
    queryFn: async ({ signal }) => {
      const query = { first: page * LOG_PAGE + 1, count: lines };
      return (await unwrap(getLog({ path: { run_id: id }, query, signal }))).lines;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: lines === LOG_PAGE ? 300_000 : 10_000, // a page that still grows is soon replaced
  });

export const logSearchQuery = (id: string, text: string) =>
  queryOptions({
    queryKey: keys.logSearch(id, text),
    queryFn: ({ signal }) =>
      unwrap(searchLog({ path: { run_id: id }, query: { q: text, limit: 1000 }, signal })),
    enabled: text !== "",
    placeholderData: keepPreviousData,
  });
