import { Button, Field, Input, Select } from "@fluentui/react-components";
import type { SchemaField } from "@/shared/form/schema";
import { Prose } from "@/shared/ui/prose";
import styles from "./new-sweep.module.css";
import { SPACINGS, type Varied } from "./varied";
import { WORDS } from "./words";

type VariedRowProps = {
  row: Varied;
  label: string;
  choices: readonly SchemaField[];
  fault: string | undefined;
  onChange: (row: Varied) => void;
  onRemove: (() => void) | undefined;
};

/** One setting and the values that it takes. */
export function VariedRow({ row, label, choices, fault, onChange, onRemove }: VariedRowProps) {
  const chosen = choices.find(({ place }) => place === row.place);
  const isNumber = chosen?.kind === "number";
  const kind = isNumber ? row.kind : "list";
  return (
    <fieldset className={styles.row}>
      <legend>{label}</legend>
      <Field label={label} className={styles.input}>
        <Select
          value={row.place}
          onChange={(_, { value }) => onChange({ ...row, place: value, kind: "list" })}
        >
          {choices.map((field) => (
            <option key={field.place} value={field.place}>
              {field.label} ({field.place})
            </option>
          ))}
        </Select>
      </Field>
      {isNumber && (
        <Field label={WORDS.kind} className={styles.input}>
          <Select
            value={kind}
            onChange={(_, { value }) =>
              onChange({ ...row, kind: value === "range" ? "range" : "list" })
            }
          >
            <option value="list">{WORDS.kinds.list}</option>
            <option value="range">{WORDS.kinds.range}</option>
          </Select>
        </Field>
      )}
      {kind === "list" ? (
        <List row={row} field={chosen} fault={fault} onChange={onChange} />
      ) : (
        <Span row={row} fault={fault} onChange={onChange} />
      )}
      {onRemove && (
        <Button className={styles.remove} onClick={onRemove} aria-label={WORDS.remove(label)}>
          ✕
        </Button>
      )}
    </fieldset>
  );
}

type PartProps = { row: Varied; fault: string | undefined; onChange: (row: Varied) => void };

function List({ row, field, fault, onChange }: PartProps & { field: SchemaField | undefined }) {
  const choices = field?.kind === "flag" ? ["true", "false"] : (field?.choices ?? []);
  return (
    <Field
      label={WORDS.list}
      hint={choices.length > 0 ? WORDS.choicesHint(choices.join(", ")) : WORDS.listHint}
      className={styles.list}
      {...said(fault)}
    >
      <Input
        value={row.list}
        autoComplete="off"
        spellCheck={false}
        onChange={(_, { value }) => onChange({ ...row, list: value })}
      />
    </Field>
  );
}

function Span({ row, fault, onChange }: PartProps) {
  return (
    <>
      <Field label={WORDS.low} className={styles.number} {...said(fault)}>
        <Input
          value={row.low}
          inputMode="decimal"
          autoComplete="off"
          onChange={(_, { value }) => onChange({ ...row, low: value })}
        />
      </Field>
      <Field label={WORDS.high} className={styles.number}>
        <Input
          value={row.high}
          inputMode="decimal"
          autoComplete="off"
          onChange={(_, { value }) => onChange({ ...row, high: value })}
        />
      </Field>
      <Field label={WORDS.spacing} className={styles.input}>
        <Select
          value={row.spacing}
          onChange={(_, { value }) =>
            onChange({ ...row, spacing: SPACINGS.find((one) => one === value) ?? "log" })
          }
        >
          {SPACINGS.map((spacing) => (
            <option key={spacing} value={spacing}>
              {WORDS.spacings[spacing]}
            </option>
          ))}
        </Select>
      </Field>
      {row.spacing === "step" && (
        <Field label={WORDS.step} className={styles.number}>
          <Input
            value={row.step}
            inputMode="decimal"
            autoComplete="off"
            onChange={(_, { value }) => onChange({ ...row, step: value })}
          />
        </Field>
      )}
    </>
  );
}

function said(fault: string | undefined) {
  return {
    validationState: fault ? ("error" as const) : ("none" as const),
    validationMessage: fault && <Prose>{fault}</Prose>,
  };
}
