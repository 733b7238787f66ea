/** What may stand in an address: each function keeps what it understands and drops the rest. */

import type { RunStatus } from "@/api/generated";
import { isStatus } from "@/shared/status/status";

type Raw = Record<string, unknown>;

export type RunsSearch = {
  status?: RunStatus | "active";
  person?: string;
  recipe?: string;
  q?: string;
  cursor?: string;
};

export function runsSearch(raw: Raw): RunsSearch {
  const status = text(raw["status"]);
  return compactly({
    status: status === "active" || (status && isStatus(status)) ? status : undefined,
    person: text(raw["person"]),
    recipe: text(raw["recipe"]),
    q: text(raw["q"]),
    cursor: text(raw["cursor"]),
  });
}

/** `from`: a run to begin with; `like`: a plan to change; `draft`: a plan to look at. */
export type NewRunSearch = { from?: string; like?: string; recipe?: string; draft?: string };

export function newRunSearch(raw: Raw): NewRunSearch {
  return compactly({
    from: text(raw["from"]),
    like: text(raw["like"]),
    recipe: text(raw["recipe"]),
    draft: text(raw["draft"]),
  });
}

/** `from`: a run to begin with; `like`: a sweep to change. */
export type NewSweepSearch = { from?: string; like?: string; recipe?: string };

export function newSweepSearch(raw: Raw): NewSweepSearch {
  return compactly({
    from: text(raw["from"]),
    like: text(raw["like"]),
    recipe: text(raw["recipe"]),
  });
}

/** A column of the runs' table; `-` before it: the other way round. */
export type SweepSearch = { sort?: string };

export function sweepSearch(raw: Raw): SweepSearch {
  return compactly({ sort: text(raw["sort"]) });
}

export type ChartSearch = { first?: number; last?: number; smooth?: number; log?: true };

export function chartSearch(raw: Raw): ChartSearch {
  const first = count(raw["first"]);
  const last = count(raw["last"]);
  const isRange = first === undefined || last === undefined || first < last;
  return compactly({
    first: isRange ? first : undefined,
    last: isRange ? last : undefined,
    smooth: fraction(raw["smooth"]),
    log: raw["log"] === true ? true : undefined,
  });
}

export type ConfigSearch = { all?: true };

export function configSearch(raw: Raw): ConfigSearch {
  return raw["all"] === true ? { all: true } : {};
}

function text(value: unknown): string | undefined {
  if (typeof value === "number") return String(value); // `?q=12` is read as a number
  return typeof value === "string" && value !== "" ? value : undefined;
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}

function fraction(value: unknown): number | undefined {
  return typeof value === "number" && value > 0 && value < 1 ? value : undefined;
}

type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** Drop absent ones, so that they do not show in the address. */
function compactly<T extends object>(search: T): Present<T> {
  const present: Present<T> = {};
  for (const key in search) {
    const value = search[key];
    if (value !== undefined && value !== null) present[key] = value;
  }
  return present;
}
