/** From the address to what the server is asked. */
import type { MetricsAsked } from "@/api/asked";
import { bucketsFor } from "@/shared/chart/series";

/** What the charts show; lives in the address. */
export type View = { first?: number; last?: number; smooth?: number; log?: true };

const WIDEST = 1000; // px; no chart is wider

export function metricsAsked({ first, last, smooth }: View): MetricsAsked {
  return {
    ...(first !== undefined && { first_step: first }),
    ...(last !== undefined && { last_step: last }),
    buckets: bucketsFor(Math.min(window.innerWidth, WIDEST)),
    smooth: smooth ?? 0,
  };
}
