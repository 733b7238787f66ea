/** What the pages ask the server for. */
import type { RunStatus } from "./generated";

export type RunsAsked = {
  status?: RunStatus[];
  person?: string | undefined;
  recipe?: string | undefined;
  q?: string | undefined;
  cursor?: string | undefined;
  limit?: number;
};

export type MetricsAsked = {
  /** Empty or absent: all curves. */
  keys?: string[];
  first_step?: number | undefined;
  last_step?: number | undefined;
  buckets: number;
  smooth: number;
};
