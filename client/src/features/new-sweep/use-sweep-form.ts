import { useMemo, useState } from "react";
import type { FieldProblem, RecipeShape } from "@/api/generated";
import { ApiError } from "@/api/problem";
import { usePlanSweep } from "@/api/sweeps";
import type { SchemaField } from "@/shared/form/schema";
import { type Settings, settingsOf } from "@/shared/form/settings";
import { fieldsOf, startOf, useSettingsForm } from "@/shared/form/use-settings-form";
import type { Changes, Typed } from "@/shared/form/values";
import { useNonce } from "@/shared/ui/use-nonce";
import type { Begin } from "./begin";
import { type Own, type OwnKey, ownAsked, ownKeyAt } from "./own";
import { askedFrom, combinationsOf, newVaried, type Varied } from "./varied";

/** The same for all runs, or what a whole sweep has a limit of its own for. */
const SHARED = new Set(["name", "budget.cost", "goal.below", "goal.metric"]);

type Faults = {
  rows: Record<string, string>;
  own: Partial<Record<OwnKey, string>>;
  loose: FieldProblem[];
};
const NO_FAULTS: Faults = { rows: {}, own: {}, loose: [] };

/** What is typed, asking for the plan, and the server's faults brought to their inputs. */
export function useSweepForm(
  recipe: RecipeShape,
  schema: unknown,
  begin: Begin,
  onPlan: (sweepId: string) => void,
) {
  const settings = useMemo(() => settingsOf(recipe, schema), [recipe, schema]);
  const choices = fieldsOf(settings).filter(isVariable);
  const start: Typed = { ...startOf(settings, begin.spec ?? recipe.spec), ...begin.changes };
  const { form, changes, showFaults } = useSettingsForm(recipe, start, settings);
  const [rows, setRows] = useState(() => begin.rows ?? [newVaried(0, firstOf(choices))]);
  const [own, setOwn] = useState(begin.own);
  const [faults, setFaults] = useState(NO_FAULTS);
  const plan = usePlanSweep();
  const nonceFor = useNonce();

  const show = (found: readonly FieldProblem[]) => setFaults(sorted(found, rows, own, showFaults));
  const submit = form.handleSubmit((typed) => {
    const sweep = {
      recipe: recipe.name,
      vary: Object.fromEntries(rows.map((row) => [row.place, askedFrom(row)])),
      changes: without(changes(typed), rows),
      ...ownAsked(own, combinationsOf(rows) !== null),
    };
    setFaults(NO_FAULTS);
    plan.mutate(
      { sweep, nonce: nonceFor(JSON.stringify(sweep)) },
      {
        onSuccess: ({ id }) => onPlan(id),
        onError: (error) => error instanceof ApiError && show(error.faults),
      },
    );
  });
  const fixed = withoutFields(settings, rows);
  return { choices, fixed, start, form, rows, setRows, own, setOwn, faults, submit, plan };
}

function isVariable({ place, kind }: SchemaField): boolean {
  return kind !== "lines" && !SHARED.has(place);
}

/** What people vary first. */
function firstOf(choices: readonly SchemaField[]): string {
  const found = choices.find(({ place }) => place === "optim.lr") ?? choices[0];
  return found?.place ?? "";
}

function without(changes: Changes, rows: readonly Varied[]): Changes {
  const taken = new Set(["budget.cost", ...rows.map(({ place }) => place)]);
  return Object.fromEntries(Object.entries(changes).filter(([place]) => !taken.has(place)));
}

function withoutFields({ main, groups }: Settings, rows: readonly Varied[]): Settings {
  const taken = new Set(["budget.cost", ...rows.map(({ place }) => place)]);
  const left = (fields: SchemaField[]) => fields.filter(({ place }) => !taken.has(place));
  return {
    main: left(main),
    groups: groups.map((group) => ({ ...group, fields: left(group.fields) })),
  };
}

function sorted(
  found: readonly FieldProblem[],
  rows: readonly Varied[],
  own: Own,
  showFaults: (faults: readonly FieldProblem[]) => FieldProblem[],
): Faults {
  const varied = new Set(rows.map(({ place }) => place));
  const faults: Faults = { rows: {}, own: {}, loose: [] };
  const others: FieldProblem[] = [];
  for (const fault of found) {
    const key = ownKeyAt(fault.loc, own);
    if (varied.has(fault.loc)) faults.rows[fault.loc] = joined(faults.rows[fault.loc], fault.msg);
    else if (key !== undefined) faults.own[key] = joined(faults.own[key], fault.msg);
    else others.push(fault);
  }
  return { ...faults, loose: showFaults(others) };
}

function joined(before: string | undefined, more: string): string {
  return before === undefined ? more : `${before}; ${more}`;
}
