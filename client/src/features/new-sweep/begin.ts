/** What a new sweep's form begins with: nothing, a run's settings, or an earlier sweep. */
import type { RunSpec, SweepSpec } from "@/api/generated";
import { placeOf } from "@/shared/form/settings";
import { type Typed, typedFrom } from "@/shared/form/values";
import { NEW_OWN, type Own, ownFrom } from "./own";
import { type Varied, variedFrom } from "./varied";

export type Begin = {
  /** Absent: the recipe's. */
  spec: RunSpec | undefined;
  /** On top of the spec, by place. */
  changes: Typed;
  rows: Varied[] | undefined;
  own: Own;
};

export function fromNothing(spec?: RunSpec): Begin {
  return { spec, changes: {}, rows: undefined, own: NEW_OWN };
}

export function fromSweep(sweep: SweepSpec): Begin {
  const changes = Object.entries(sweep.changes).map(([key, value]) => [
    placeOf(key),
    typedFrom(value),
  ]);
  return {
    spec: undefined,
    changes: Object.fromEntries(changes),
    rows: variedFrom(sweep.vary, placeOf),
    own: ownFrom(sweep),
  };
}
