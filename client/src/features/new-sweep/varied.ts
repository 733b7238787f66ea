/** Pure: what varies, between what is typed and what the server takes. */
import type { SweepSpec } from "@/api/generated";

export type Spacing = "log" | "step" | "even";
export const SPACINGS: Spacing[] = ["log", "step", "even"];

/** One setting that varies; everything as it is typed. */
export type Varied = {
  id: number;
  place: string;
  kind: "list" | "range";
  list: string;
  low: string;
  high: string;
  spacing: Spacing;
  step: string;
};

export function newVaried(id: number, place: string): Varied {
  return { id, place, kind: "list", list: "", low: "", high: "", spacing: "log", step: "" };
}

type RangeAsked = { low: string; high: string; log?: true; step?: string };

export function askedFrom({ kind, list, low, high, spacing, step }: Varied): string[] | RangeAsked {
  if (kind === "list") return partsOf(list);
  if (spacing === "log") return { low, high, log: true };
  return spacing === "step" ? { low, high, step } : { low, high };
}

function partsOf(list: string): string[] {
  return list
    .split(/[,\n]/)
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** How many combinations the rows have; null where a range has no end of values. */
export function combinationsOf(rows: readonly Varied[]): number | null {
  return rows.reduce<number | null>((all, row) => {
    const count = countOf(row);
    return all === null || count === null ? null : all * count;
  }, 1);
}

function countOf({ kind, list, low, high, spacing, step }: Varied): number | null {
  if (kind === "list") return partsOf(list).length;
  if (spacing !== "step") return null;
  const count = Math.floor((Number(high) - Number(low)) / Number(step) + 1e-9) + 1;
  return Number.isFinite(count) && count > 0 ? count : 0;
}

/** The rows of an earlier sweep; `placeOf` brings its short names to their places. */
export function variedFrom(vary: SweepSpec["vary"], placeOf: (key: string) => string): Varied[] {
  return Object.entries(vary).map(([key, values], id) => {
    const row = newVaried(id, placeOf(key));
    if (Array.isArray(values)) return { ...row, list: values.map(String).join(", ") };
    const { low, high, log, step } = values;
    const spacing = log ? "log" : step === null ? "even" : "step";
    const range = { low: String(low), high: String(high), step: step === null ? "" : String(step) };
    return { ...row, kind: "range", spacing, ...range };
  });
}
