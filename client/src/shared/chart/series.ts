/** Pure maths between the server's buckets and what is drawn. */
import type { MetricsShape, SeriesShape } from "@/api/generated";

type Column = (number | null)[];

/** Smallest and largest of the numbers; null when there is none. */
export function extent(values: readonly (number | null)[]): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

export type Chart = { title: string; unit: string; series: SeriesShape[] };

/** Curves that are read together share a chart; every other has its own. */
const TOGETHER: Record<string, string> = { eval_loss: "loss", "eval/loss": "loss" };

export function chartsOf(metrics: Pick<MetricsShape, "series">): Chart[] {
  const charts = new Map<string, Chart>();
  for (const series of metrics.series) {
    const home = TOGETHER[series.key] ?? series.key;
    const chart = charts.get(home) ?? { title: titleOf(home), unit: series.unit, series: [] };
    chart.series.push(series);
    charts.set(home, chart);
  }
  return [...charts.values()].map((chart) => ({ ...chart, series: leadFirst(chart.series) }));
}

function leadFirst(series: SeriesShape[]): SeriesShape[] {
  return series.toSorted((a, b) => Number(a.key in TOGETHER) - Number(b.key in TOGETHER));
}

const TITLES: Record<string, string> = {
  lr: "Learning rate",
  tokens_per_s: "Tokens per second",
  mfu: "Model FLOPs utilisation",
  memory_gb: "Memory",
};

export function titleOf(key: string): string {
  const known = TITLES[key];
  if (known !== undefined) return known;
  const words = key.replaceAll(/[_/]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** What uPlot takes: the grid, then high, low and line of each series; empty grid rows left out. */
export function plotColumns(steps: readonly number[], series: readonly SeriesShape[]): Column[] {
  const rows: number[] = [];
  steps.forEach((_, row) => {
    if (series.some(({ last }) => valueAt(last, row) !== null)) rows.push(row);
  });
  const pick = (column: readonly (number | null)[]) => rows.map((row) => valueAt(column, row));
  const columns = series.flatMap(({ high, low, smooth }) => [pick(high), pick(low), pick(smooth)]);
  return [pick(steps), ...columns];
}

function valueAt(column: readonly (number | null)[], row: number): number | null {
  return column[row] ?? null;
}

export type TableRow = { step: number; cells: { low: number; high: number; last: number }[] };

/** The rows of the data table: each bucket that has a value in any of the series. */
export function tableRows(steps: readonly number[], series: readonly SeriesShape[]): TableRow[] {
  return steps.flatMap((step, row) => {
    const cells = series.map(({ low, high, last }) => ({
      low: valueAt(low, row) ?? Number.NaN,
      high: valueAt(high, row) ?? Number.NaN,
      last: valueAt(last, row) ?? Number.NaN,
    }));
    return cells.every((cell) => Number.isNaN(cell.last)) ? [] : [{ step, cells }];
  });
}

export type Summary = {
  last: number;
  best: number;
  bestStep: number;
  worst: number;
  worstStep: number;
};

/** Last, lowest and highest value with the steps of their buckets. */
export function summaryOf(steps: readonly number[], series: SeriesShape): Summary | null {
  const found = { last: Number.NaN, best: Infinity, bestStep: 0, worst: -Infinity, worstStep: 0 };
  steps.forEach((step, row) => {
    const low = valueAt(series.low, row);
    const high = valueAt(series.high, row);
    if (low === null || high === null) return;
    if (low < found.best) Object.assign(found, { best: low, bestStep: step });
    if (high > found.worst) Object.assign(found, { worst: high, worstStep: step });
    found.last = valueAt(series.last, row) ?? high;
  });
  return Number.isNaN(found.last) ? null : found;
}

/** The steps that every chart of a page spans, so that their x axes agree. */
export function spanOf(steps: readonly number[]): [number, number] {
  const [first, last] = extent(steps) ?? [0, 1];
  return first < last ? [first, last] : [first, first + 1];
}

/** Of how many buckets is the grid, for a chart this wide: few sizes, so that answers are cached. */
export function bucketsFor(width: number): number {
  return [300, 600, 1000].find((size) => width <= size) ?? 1000;
}
