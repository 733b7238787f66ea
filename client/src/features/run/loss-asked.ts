/** What the overview asks of the curves: once, for the chart and for its marks. */
import type { MetricsAsked } from "@/api/asked";
import { bucketsFor } from "@/shared/chart/series";

export function lossAsked(): MetricsAsked {
  return { keys: ["loss", "eval_loss"], buckets: bucketsFor(window.innerWidth), smooth: 0 };
}
