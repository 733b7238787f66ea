/** Pure: the order of a sweep's trials, and the dots of its charts. */
import type { SweepDetail, TrialShape } from "@/api/generated";
import type { Dot } from "@/shared/chart/dots";
import { measure, setting } from "@/shared/format/format";
import { STATUS } from "@/shared/status/status";

/** A column to sort by: `number`, `figure`, `cost` or a varied setting; `-` before it: downwards. */
export function sortedBy(trials: readonly TrialShape[], sort: string): TrialShape[] {
  const isDown = sort.startsWith("-");
  const column = isDown ? sort.slice(1) : sort;
  return trials.toSorted((a, b) => {
    const [one, other] = [cellOf(a, column), cellOf(b, column)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    const order = compare(one, other);
    return (isDown ? -order : order) || a.number - b.number;
  });
}

type Cell = number | string;

function cellOf(trial: TrialShape, column: string): Cell | null {
  if (column === "number" || column === "figure" || column === "cost") return trial[column];
  const value = trial.values[column];
  return value === undefined ? null : (numberFrom(value) ?? String(value));
}

function compare(one: Cell, other: Cell): number {
  if (typeof one === "number" && typeof other === "number") return one - other;
  return String(one).localeCompare(String(other));
}

/** A value as a number; what was typed in chat or form is text. */
export function numberFrom(value: unknown): number | null {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return null;
  const found = Number(value);
  return Number.isFinite(found) ? found : null;
}

export function shownValue(value: unknown): string {
  return typeof value === "number" ? measure(value) : setting(value);
}

/** `lr 0.001, seed 1` */
export function valuesInWords(values: { [key: string]: unknown }): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${shownValue(value)}`)
    .join(", ");
}

export function doneOf({ runs }: SweepDetail): number {
  return runs.filter(({ status }) => status !== null && STATUS[status].isFinal).length;
}

export type ValueChartShape = { key: string; dots: Dot[]; words: string[]; isLog: boolean };

/** One chart for each varied setting: what came of it; words take places 0, 1, 2 ... */
export function chartsOf(sweep: SweepDetail): ValueChartShape[] {
  const ended = sweep.runs.filter(({ figure }) => figure !== null);
  return sweep.varied.map((key) => {
    const values = ended.map(({ values: all }) => all[key]);
    const numbers = values.map(numberFrom);
    const areNumbers = numbers.every((number) => number !== null);
    const words = areNumbers ? [] : [...new Set(values.map(shownValue))].toSorted();
    const dots = ended.map((trial, row) => ({
      x: areNumbers ? (numbers[row] ?? 0) : words.indexOf(shownValue(values[row])),
      y: trial.figure ?? 0,
      name: String(trial.number),
      isBest: trial.run_id === sweep.best,
    }));
    return { key, dots, words, isLog: areNumbers && isSpread(dots.map(({ x }) => x)) };
  });
}

const MANY_TIMES = 10; // from here on equal steps would put most dots on each other

function isSpread(values: readonly number[]): boolean {
  const low = Math.min(...values);
  return low > 0 && Math.max(...values) / low >= MANY_TIMES;
}
