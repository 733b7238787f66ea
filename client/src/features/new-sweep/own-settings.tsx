import { Field, Input, Select } from "@fluentui/react-components";
import type { ReactElement } from "react";
import styles from "@/shared/form/form.module.css";
import { Prose } from "@/shared/ui/prose";
import type { Own, OwnKey } from "./own";
import { WORDS } from "./words";

type OwnSettingsProps = {
  own: Own;
  faults: Readonly<Partial<Record<OwnKey, string>>>;
  currency: string;
  onChange: (own: Own) => void;
};

/** Limits of all runs together, how many, and which is the best. */
export function OwnSettings({ own, faults, currency, onChange }: OwnSettingsProps) {
  const at = (key: OwnKey) => ({
    value: own[key],
    fault: faults[key],
    onChange: (value: string) => onChange({ ...own, [key]: value }),
  });
  return (
    <div className={styles.fields}>
      <Amount {...at("cost")} label={WORDS.cost(currency)} hint={WORDS.costHint} />
      <Amount {...at("hours")} label={WORDS.hours} />
      <Amount {...at("trials")} label={WORDS.trials} hint={WORDS.trialsHint} />
      <Amount {...at("parallel")} label={WORDS.parallel} />
      <Choice {...at("metric")} label={WORDS.metric} options={WORDS.metrics} />
      <Choice {...at("direction")} label={WORDS.direction} options={WORDS.directions} />
      <Amount {...at("patience")} label={WORDS.patience} hint={WORDS.patienceHint} />
      <Choice {...at("how")} label={WORDS.how} options={WORDS.hows} />
      <Amount {...at("seed")} label={WORDS.seed} hint={WORDS.seedHint} />
    </div>
  );
}

type InputProps = {
  label: string;
  hint?: string;
  value: string;
  fault: string | undefined;
  onChange: (value: string) => void;
};

function Amount({ value, onChange, ...field }: InputProps) {
  return (
    <Labelled {...field}>
      <Input
        value={value}
        inputMode="decimal"
        autoComplete="off"
        onChange={(_, typed) => onChange(typed.value)}
      />
    </Labelled>
  );
}

type ChoiceProps = InputProps & { options: Readonly<Record<string, string>> };

function Choice({ value, options, onChange, ...field }: ChoiceProps) {
  return (
    <Labelled {...field}>
      <Select value={value} onChange={(_, chosen) => onChange(chosen.value)}>
        {Object.entries(options).map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </Select>
    </Labelled>
  );
}

type LabelledProps = Pick<InputProps, "label" | "hint" | "fault"> & {
  children: ReactElement;
};

function Labelled({ label, hint, fault, children }: LabelledProps) {
  return (
    <Field
      label={label}
      {...(hint && { hint })}
      validationState={fault ? "error" : "none"}
      validationMessage={fault && <Prose>{fault}</Prose>}
    >
      {children}
    </Field>
  );
}
