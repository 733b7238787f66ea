import type { FieldErrors, UseFormRegister } from "react-hook-form";
import styles from "./form.module.css";
import type { SchemaField } from "./schema";
import { SettingInput } from "./setting-input";
import { inputName } from "./use-settings-form";
import type { Typed } from "./values";

type MainSettingsProps = {
  fields: readonly SchemaField[];
  /** What each holds at first, by place. */
  start: Typed;
  register: UseFormRegister<Typed>;
  errors: FieldErrors<Typed>;
};

/** Inputs of settings side by side. */
export function MainSettings({ fields, start, register, errors }: MainSettingsProps) {
  return (
    <div className={styles.fields}>
      {fields.map((field) => (
        <SettingInput
          key={field.place}
          field={field}
          input={register(inputName(field.place))}
          start={start[field.place] ?? ""}
          fault={errors[inputName(field.place)]?.message}
        />
      ))}
    </div>
  );
}
