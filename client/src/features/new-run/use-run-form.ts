import { useState } from "react";
import { useForm } from "react-hook-form";
import { useCreateDraft } from "@/api/actions";
import type { FieldProblem, RecipeShape, RunSpec } from "@/api/generated";
import { ApiError } from "@/api/problem";
import type { SchemaField } from "@/shared/form/schema";
import { changesOf, type Typed, typedAt } from "@/shared/form/values";
import { useNonce } from "@/shared/ui/use-nonce";
import type { Settings } from "./settings";

/** The form library reads a dot as nesting; places keep theirs as slashes. */
export const inputName = (place: string) => place.replaceAll(".", "/");
const placeNamed = (name: string) => name.replaceAll("/", ".");

/** What is typed, asking for the plan, and the server's faults brought to their inputs. */
export function useRunForm(
  recipe: RecipeShape,
  spec: RunSpec,
  settings: Settings,
  onPlan: (draftId: string) => void,
) {
  const fields = [...settings.main, ...settings.groups.flatMap((group) => group.fields)];
  const form = useForm<Typed>({ defaultValues: typedBy(fields, spec) });
  const [loose, setLoose] = useState<FieldProblem[]>([]);
  const draft = useCreateDraft();
  const nonceFor = useNonce();
  const lists = new Set(fields.filter(({ kind }) => kind === "lines").map(({ place }) => place));

  const showFaults = (faults: readonly FieldProblem[]) => {
    const known = new Set(fields.map(({ place }) => place));
    const [first, ...others] = faults.filter(({ loc }) => known.has(loc));
    setLoose(faults.filter(({ loc }) => !known.has(loc)));
    for (const { loc, msg } of others) form.setError(inputName(loc), { message: msg });
    if (first) form.setError(inputName(first.loc), { message: first.msg }, { shouldFocus: true });
  };
  const submit = form.handleSubmit((typed) => {
    const now = Object.fromEntries(Object.entries(typed).map(([n, v]) => [placeNamed(n), v]));
    const changes = changesOf(typedAtPlaces(fields, recipe.spec), now, lists);
    const nonce = nonceFor(JSON.stringify([recipe.name, changes]));
    setLoose([]);
    draft.mutate(
      { recipe: recipe.name, changes, nonce },
      {
        onSuccess: ({ id }) => onPlan(id),
        onError: (error) => error instanceof ApiError && showFaults(error.faults),
      },
    );
  });
  return { form, submit, loose, draft };
}

function typedBy(fields: readonly SchemaField[], spec: RunSpec): Typed {
  const typed = typedAtPlaces(fields, spec);
  return Object.fromEntries(
    Object.entries(typed).map(([place, value]) => [inputName(place), value]),
  );
}

function typedAtPlaces(fields: readonly SchemaField[], spec: RunSpec): Typed {
  return Object.fromEntries(fields.map(({ place }) => [place, typedAt(spec, place)]));
}
