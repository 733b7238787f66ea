import { Button } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { RecipeShape, RunSpec } from "@/api/generated";
import { meQuery } from "@/api/queries";
import { AllSettings } from "@/shared/form/all-settings";
import styles from "@/shared/form/form.module.css";
import { FormFault } from "@/shared/form/form-fault";
import { MainSettings } from "@/shared/form/main-settings";
import { Section } from "@/shared/ui/page";
import { useRunForm } from "./use-run-form";
import { WORDS } from "./words";

type RunFormProps = {
  recipe: RecipeShape;
  schema: unknown;
  spec: RunSpec;
  onPlan: (draftId: string) => void;
};

export function RunForm({ recipe, schema, spec, onPlan }: RunFormProps) {
  const { settings, start, form, submit, loose, draft } = useRunForm(recipe, schema, spec, onPlan);
  const inputs = { start, register: form.register, errors: form.formState.errors };
  const { data: me } = useQuery(meQuery());
  const isNobody = me !== undefined && me.person === null;
  return (
    <form onSubmit={submit} noValidate aria-label={WORDS.title}>
      <Section title={WORDS.main}>
        <MainSettings fields={settings.main} {...inputs} />
      </Section>
      <AllSettings groups={settings.groups} {...inputs} />
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
