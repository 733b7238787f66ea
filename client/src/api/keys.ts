/** Query keys, so that one hint of the server can name all that it concerns. */
import type { MetricsAsked, RunsAsked } from "./asked";
import type { PromotionOptions } from "./generated";

export const keys = {
  me: () => ["me"] as const,
  recipes: () => ["recipes"] as const,
  specSchema: () => ["spec-schema"] as const,
  draft: (id: string) => ["draft", id] as const,
  models: () => ["models"] as const,
  /** Prefix of every list of promotions. */
  promotions: () => ["promotions"] as const,
  promotionList: (run?: string) => ["promotions", run ?? null] as const,
  promotionPlan: (run: string, options: PromotionOptions, nonce: string) =>
    ["promotion-plan", run, options, nonce] as const,
  /** Prefix of every sweep and of their list. */
  sweeps: () => ["sweeps"] as const,
  sweepList: () => ["sweeps", "list"] as const,
  sweep: (id: string) => ["sweeps", "one", id] as const,
  runs: () => ["runs"] as const,
  runList: (asked: RunsAsked) => ["runs", asked] as const,
  /** Prefix of all of a run that changes while it goes on. */
  run: (id: string) => ["run", id] as const,
  runDetail: (id: string) => ["run", id, "detail"] as const,
  metrics: (id: string, asked: MetricsAsked) => ["run", id, "metrics", asked] as const,
  results: (id: string) => ["run", id, "results"] as const,
  activity: (id: string) => ["run", id, "activity"] as const,
  logLength: (id: string) => ["run", id, "log-length"] as const,
  logSearch: (id: string, text: string) => ["run", id, "log-search", text] as const,
  /** Not below `run`: a page of so many lines never changes. */
  logPage: (id: string, page: number, lines: number) => ["log-page", id, page, lines] as const,
};
