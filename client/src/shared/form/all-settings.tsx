import type { FieldErrors, UseFormRegister } from "react-hook-form";
import styles from "./form.module.css";
import { MainSettings } from "./main-settings";
import type { SchemaGroup } from "./schema";
import { inputName } from "./use-settings-form";
import type { Typed } from "./values";
import { WORDS } from "./words";

type AllSettingsProps = {
  /** What each holds at first, by place. */
  start: Typed;
  groups: readonly SchemaGroup[];
  register: UseFormRegister<Typed>;
  errors: FieldErrors<Typed>;
};

/** Everything else of the spec, folded away; a part with a fault opens by itself. */
export function AllSettings({ groups, ...inputs }: AllSettingsProps) {
  const hasFault = ({ fields }: SchemaGroup) =>
    fields.some(({ place }) => inputs.errors[inputName(place)]?.message);
  return (
    <details className={styles.all} open={groups.some(hasFault) || undefined}>
      <summary>{WORDS.all}</summary>
      <p className={styles.hint}>{WORDS.allHint}</p>
      {groups.map(({ name, fields }) => (
        <fieldset key={name} className={styles.group}>
          <legend>{name || "general"}</legend>
          <MainSettings fields={fields} {...inputs} />
        </fieldset>
      ))}
    </details>
  );
}
