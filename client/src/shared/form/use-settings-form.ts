import { useForm } from "react-hook-form";
import type { FieldProblem, RecipeShape } from "@/api/generated";
import type { SchemaField } from "./schema";
import type { Settings } from "./settings";
import { type Changes, changesOf, type Typed, typedAt } from "./values";

/** The form library reads a dot as nesting; places keep theirs as slashes. */
export const inputName = (place: string) => place.replaceAll(".", "/");
const placeNamed = (name: string) => name.replaceAll("/", ".");

/** The settings of a recipe as inputs: what is typed, what of it is a change, what is wrong. */
export function useSettingsForm(recipe: RecipeShape, start: Typed, settings: Settings) {
  const fields = fieldsOf(settings);
  const lists = new Set(fields.filter(({ kind }) => kind === "lines").map(({ place }) => place));
  const form = useForm<Typed>({ defaultValues: renamed(start, inputName) });

  const changes = (typed: Typed): Changes =>
    changesOf(startOf(settings, recipe.spec), renamed(typed, placeNamed), lists);
  /** Bring the server's faults to their inputs; return those that belong to none. */
  const showFaults = (faults: readonly FieldProblem[]): FieldProblem[] => {
    const known = new Set(fields.map(({ place }) => place));
    const [first, ...others] = faults.filter(({ loc }) => known.has(loc));
    for (const { loc, msg } of others) form.setError(inputName(loc), { message: msg });
    if (first) form.setError(inputName(first.loc), { message: first.msg }, { shouldFocus: true });
    return faults.filter(({ loc }) => !known.has(loc));
  };
  return { form, changes, showFaults };
}

/** What the inputs hold at first, by place. */
export function startOf(settings: Settings, spec: object): Typed {
  return Object.fromEntries(fieldsOf(settings).map(({ place }) => [place, typedAt(spec, place)]));
}

export function fieldsOf({ main, groups }: Settings): SchemaField[] {
  return [...main, ...groups.flatMap(({ fields }) => fields)];
}

function renamed(typed: Typed, rename: (name: string) => string): Typed {
  return Object.fromEntries(Object.entries(typed).map(([name, value]) => [rename(name), value]));
}
