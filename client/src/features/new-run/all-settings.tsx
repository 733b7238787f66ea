import type { FieldErrors, UseFormRegister } from "react-hook-form";
import type { RunSpec } from "@/api/generated";
import type { SchemaGroup } from "@/shared/form/schema";
import { SettingInput } from "@/shared/form/setting-input";
import { type Typed, typedAt } from "@/shared/form/values";
import styles from "./new-run.module.css";
import { inputName } from "./use-run-form";
import { WORDS } from "./words";

type AllSettingsProps = {
  spec: RunSpec;
  groups: readonly SchemaGroup[];
  register: UseFormRegister<Typed>;
  errors: FieldErrors<Typed>;
};

/** Everything else of the spec, folded away; a part with a fault opens by itself. */
export function AllSettings({ spec, groups, register, errors }: AllSettingsProps) {
  const faultAt = (place: string) => errors[inputName(place)]?.message;
  const hasFault = ({ fields }: SchemaGroup) => fields.some(({ place }) => faultAt(place));
  return (
    <details className={styles.all} open={groups.some(hasFault) || undefined}>
      <summary>{WORDS.all}</summary>
      <p className={styles.hint}>{WORDS.allHint}</p>
      {groups.map((group) => (
        <fieldset key={group.name} className={styles.group}>
          <legend>{group.name || "general"}</legend>
          <div className={styles.fields}>
            {group.fields.map((field) => (
              <SettingInput
                key={field.place}
                field={field}
                input={register(inputName(field.place))}
                start={typedAt(spec, field.place)}
                fault={faultAt(field.place)}
              />
            ))}
          </div>
        </fieldset>
      ))}
    </details>
  );
}
