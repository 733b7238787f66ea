import { Button } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { RecipeShape } from "@/api/generated";
import { meQuery } from "@/api/queries";
import { AllSettings } from "@/shared/form/all-settings";
import styles from "@/shared/form/form.module.css";
import { FormFault } from "@/shared/form/form-fault";
import { MainSettings } from "@/shared/form/main-settings";
import { Section } from "@/shared/ui/page";
import type { Begin } from "./begin";
import { OwnSettings } from "./own-settings";
import { useSweepForm } from "./use-sweep-form";
import { VariedRows } from "./varied-rows";
import { WORDS } from "./words";

type SweepFormProps = {
  recipe: RecipeShape;
  schema: unknown;
  begin: Begin;
  onPlan: (sweepId: string) => void;
};

export function SweepForm({ recipe, schema, begin, onPlan }: SweepFormProps) {
  const { form, fixed, faults, plan, ...sweep } = useSweepForm(recipe, schema, begin, onPlan);
  const inputs = { start: sweep.start, register: form.register, errors: form.formState.errors };
  const { data: me } = useQuery(meQuery());
  const isNobody = me !== undefined && me.person === null;
  return (
    <form onSubmit={sweep.submit} noValidate aria-label={WORDS.title}>
      <Section title={WORDS.varied}>
        <VariedRows
          rows={sweep.rows}
          choices={sweep.choices}
          faults={faults.rows}
          onChange={sweep.setRows}
        />
      </Section>
      <Section title={WORDS.own}>
        <OwnSettings
          own={sweep.own}
          faults={faults.own}
          currency={me?.currency ?? ""}
          onChange={sweep.setOwn}
        />
      </Section>
      <Section title={WORDS.fixed}>
        <MainSettings fields={fixed.main} {...inputs} />
      </Section>
      <AllSettings groups={fixed.groups} {...inputs} />
      <FormFault error={plan.error} loose={faults.loose} />
      <div className={styles.send}>
        <Button
          type="submit"
          appearance="primary"
          size="large"
          disabledFocusable={plan.isPending || isNobody}
        >
          {WORDS.plan}
        </Button>
        <span>{isNobody ? WORDS.nobody : WORDS.planHint}</span>
      </div>
    </form>
  );
}
