/** Pure: what a sweep as a whole is given, between what is typed and what the server takes. */
import type { SweepSpec } from "@/api/generated";

export type OwnKey =
  | "how"
  | "trials"
  | "parallel"
  | "cost"
  | "hours"
  | "patience"
  | "metric"
  | "direction"
  | "seed";

export type Own = Record<OwnKey, string>;

export const NEW_OWN: Own = {
  how: "",
  trials: "",
  parallel: "1",
  cost: "",
  hours: "",
  patience: "",
  metric: "eval_loss",
  direction: "minimize",
  seed: "",
};

/** What is left empty is the server's to choose; `isCountable`: every combination can be run. */
export function ownAsked(own: Own, isCountable: boolean): object {
  const { trials, parallel, patience, seed } = own;
  return filled({
    how: own.how || (isCountable ? "grid" : "random"),
    ...filled({ trials, parallel, patience, seed }),
    goal: filled({ metric: own.metric, direction: own.direction }),
    budget: filled({ cost: own.cost, hours: own.hours }),
  });
}

function filled(values: Record<string, unknown>): Record<string, unknown> {
  const isEmpty = (value: unknown) => typeof value === "string" && value.trim() === "";
  return Object.fromEntries(Object.entries(values).filter(([, value]) => !isEmpty(value)));
}

export function ownFrom({ how, trials, parallel, patience, seed, goal, budget }: SweepSpec): Own {
  const text = (value: number | null) => (value === null ? "" : String(value));
  return {
    how,
    trials: text(trials),
    parallel: String(parallel),
    cost: text(budget.cost),
    hours: text(budget.hours),
    patience: text(patience),
    metric: goal.metric,
    direction: goal.direction,
    seed: String(seed),
  };
}

const PLACES: Record<string, OwnKey> = {
  how: "how",
  trials: "trials",
  parallel: "parallel",
  patience: "patience",
  seed: "seed",
  "budget.cost": "cost",
  "budget.hours": "hours",
  "goal.metric": "metric",
  "goal.direction": "direction",
};

/**
 * The input that a fault belongs to, if it is one of these. A run has a time limit of its own at
 * the same place, so that one is meant where the sweep's is empty.
 */
export function ownKeyAt(loc: string, own: Own): OwnKey | undefined {
  const key = PLACES[loc];
  return key !== undefined && own[key] !== "" ? key : loc === "trials" ? "trials" : undefined;
}
