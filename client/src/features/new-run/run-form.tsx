import { Button } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { FieldProblem, RecipeShape, RunSpec } from "@/api/generated";
import { ApiError } from "@/api/problem";
import { meQuery } from "@/api/queries";
import { SettingInput } from "@/shared/form/setting-input";
import { typedAt } from "@/shared/form/values";
import { Section } from "@/shared/ui/page";
import { Prose } from "@/shared/ui/prose";
import { Failed } from "@/shared/ui/states";
import { AllSettings } from "./all-settings";
import styles from "./new-run.module.css";
import { settingsOf } from "./settings";
import { inputName, useRunForm } from "./use-run-form";
import { WORDS } from "./words";

type RunFormProps = {
  recipe: RecipeShape;
  schema: unknown;
  spec: RunSpec;
  onPlan: (draftId: string) => void;
};

export function RunForm({ recipe, schema, spec, onPlan }: RunFormProps) {
  const settings = useMemo(() => settingsOf(recipe, schema), [recipe, schema]);
  const { form, submit, loose, draft } = useRunForm(recipe, spec, settings, onPlan);
  const { register, formState } = form;
  const { data: me } = useQuery(meQuery());
  const isNobody = me !== undefined && me.person === null;
  return (
    <form onSubmit={submit} noValidate aria-label={WORDS.title}>
      <Section title={WORDS.main}>
        <div className={styles.fields}>
          {settings.main.map((field) => (
            <SettingInput
              key={field.place}
              field={field}
              input={register(inputName(field.place))}
              start={typedAt(spec, field.place)}
              fault={formState.errors[inputName(field.place)]?.message}
            />
          ))}
        </div>
      </Section>
      <AllSettings
        spec={spec}
        groups={settings.groups}
        register={register}
        errors={formState.errors}
      />
      <FormFault error={draft.error} loose={loose} />
      <div className={styles.send}>
        <Button
          type="submit"
          appearance="primary"
          size="large"
          disabledFocusable={draft.isPending || isNobody}
        >
          {WORDS.plan}
        </Button>
        <span>{isNobody ? WORDS.nobody : WORDS.planHint}</span>
      </div>
    </form>
  );
}

/** Faults that belong to no single input, or why the server gave no answer. */
function FormFault({ error, loose }: { error: Error | null; loose: readonly FieldProblem[] }) {
  if (error === null) return null;
  const isByField = error instanceof ApiError && error.faults.length > 0;
  if (!isByField) return <Failed error={error} />;
  if (loose.length === 0) return null;
  return (
    <div role="alert" className={styles.loose}>
      <strong>{WORDS.whole}</strong>
      <ul>
        {loose.map(({ loc, msg }) => (
          <li key={loc + msg}>
            {loc && <code>{loc}</code>} <Prose>{msg}</Prose>
          </li>
        ))}
      </ul>
    </div>
  );
}
