import { Button } from "@fluentui/react-components";
import type { SchemaField } from "@/shared/form/schema";
import styles from "./new-sweep.module.css";
import { combinationsOf, newVaried, type Varied } from "./varied";
import { VariedRow } from "./varied-row";
import { WORDS } from "./words";

const MOST = 8; // the server's limit

type VariedRowsProps = {
  rows: readonly Varied[];
  choices: readonly SchemaField[];
  /** By place. */
  faults: Readonly<Record<string, string>>;
  onChange: (rows: Varied[]) => void;
};

/** The settings that vary, one box each, and how many combinations they make. */
export function VariedRows({ rows, choices, faults, onChange }: VariedRowsProps) {
  const taken = new Set(rows.map(({ place }) => place));
  const free = choices.filter(({ place }) => !taken.has(place));
  const next = free.find(({ kind }) => kind === "number") ?? free[0];
  const count = combinationsOf(rows);
  const add = () => {
    const id = 1 + Math.max(...rows.map((row) => row.id));
    if (next) onChange([...rows, newVaried(id, next.place)]);
  };
  return (
    <div className={styles.rows}>
      <p className={styles.hint}>{WORDS.variedHint}</p>
      {rows.map((row, place) => (
        <VariedRow
          key={row.id}
          row={row}
          label={WORDS.setting(place + 1)}
          choices={choices.filter((one) => one.place === row.place || !taken.has(one.place))}
          fault={faults[row.place]}
          onChange={(changed) => onChange(rows.map((old) => (old.id === row.id ? changed : old)))}
          onRemove={
            rows.length > 1 ? () => onChange(rows.filter(({ id }) => id !== row.id)) : undefined
          }
        />
      ))}
      <div className={styles.under}>
        <Button disabled={rows.length >= MOST || next === undefined} onClick={add}>
          {WORDS.add}
        </Button>
        <span aria-live="polite">
          {count === null ? WORDS.drawn : count > 0 && WORDS.combinations(count)}
        </span>
      </div>
    </div>
  );
}
