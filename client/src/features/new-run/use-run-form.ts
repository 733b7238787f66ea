import { useMemo, useState } from "react";
import { useCreateDraft } from "@/api/actions";
import type { FieldProblem, RecipeShape, RunSpec } from "@/api/generated";
import { ApiError } from "@/api/problem";
import { settingsOf } from "@/shared/form/settings";
import { startOf, useSettingsForm } from "@/shared/form/use-settings-form";
import { useNonce } from "@/shared/ui/use-nonce";

/** What is typed, asking for the plan, and the server's faults brought to their inputs. */
export function useRunForm(
  recipe: RecipeShape,
  schema: unknown,
  spec: RunSpec,
  onPlan: (draftId: string) => void,
) {
  const settings = useMemo(() => settingsOf(recipe, schema), [recipe, schema]);
  const start = startOf(settings, spec);
  const { form, changes, showFaults } = useSettingsForm(recipe, start, settings);
  const [loose, setLoose] = useState<FieldProblem[]>([]);
  const draft = useCreateDraft();
  const nonceFor = useNonce();
  const submit = form.handleSubmit((typed) => {
    const changed = changes(typed);
    const nonce = nonceFor(JSON.stringify([recipe.name, changed]));
    setLoose([]);
    draft.mutate(
      { recipe: recipe.name, changes: changed, nonce },
      {
        onSuccess: ({ id }) => onPlan(id),
        onError: (error) => error instanceof ApiError && setLoose(showFaults(error.faults)),
      },
    );
  });
  return { settings, start, form, submit, loose, draft };
}
