import type { ReactNode } from "react";
import styles from "./ui.module.css";

export type Fact = { name: string; value: ReactNode; note?: ReactNode };

/** Names and values side by side, as many in a row as fit. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={styles.facts}>
      {facts.map(({ name, value, note }) => (
        <div key={name} className={styles.fact}>
          <dt className={styles.factName}>{name}</dt>
          <dd className={styles.factValue}>
            {value}
            {note && <span className={styles.factNote}>{note}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
