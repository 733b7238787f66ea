import { Field, Input, Select } from "@fluentui/react-components";
import type { PromotionPlanShape } from "@/api/generated";
import styles from "./promote.module.css";
import { WORDS } from "./words";

export type Typed = { model: string; machine: string; hours: string };

type PromoteFormProps = {
  typed: Typed;
  plan: PromotionPlanShape | undefined;
  onChange: (typed: Typed) => void;
};

/** What may be chosen; what is left empty shows what the plan has chosen. */
export function PromoteForm({ typed, plan, onChange }: PromoteFormProps) {
  const machine = typed.machine || (plan?.plan.machine ?? "");
  return (
    <div className={styles.form}>
      <Field label={WORDS.model} hint={WORDS.modelHint}>
        <Input
          value={typed.model}
          placeholder={plan?.model ?? ""}
          maxLength={48}
          onChange={(_, { value }) => onChange({ ...typed, model: value })}
        />
      </Field>
      <Field label={WORDS.machine}>
        <Select value={machine} onChange={(_, { value }) => onChange({ ...typed, machine: value })}>
          {(plan?.machines ?? []).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </Select>
      </Field>
      <Field label={WORDS.hours} hint={WORDS.hoursHint}>
        <Input
          value={typed.hours}
          inputMode="decimal"
          placeholder={plan ? String(plan.plan.hours) : ""}
          maxLength={8}
          onChange={(_, { value }) => onChange({ ...typed, hours: value })}
        />
      </Field>
    </div>
  );
}
