import type { KeyboardEvent } from "react";
import type { RunView } from "@/api/generated";
import styles from "./run-list.module.css";
import { RunRow } from "./run-row";
import { WORDS } from "./words";

export function RunTable({ runs }: { runs: readonly RunView[] }) {
  const { columns } = WORDS;
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">{columns.run}</th>
          <th scope="col">{columns.status}</th>
          <th scope="col" className={styles.wide}>
            {columns.who}
          </th>
          <th scope="col" className={styles.wide}>
            {columns.when}
          </th>
          <th scope="col" className={styles.medium}>
            {columns.progress}
          </th>
          <th scope="col" className={`${styles.number} ${styles.medium}`}>
            {columns.loss}
          </th>
          <th scope="col" className={`${styles.number} ${styles.medium}`}>
            {columns.cost}
          </th>
        </tr>
      </thead>
      <tbody onKeyDown={walk}>
        {runs.map((run) => (
          <RunRow key={run.id} run={run} />
        ))}
      </tbody>
    </table>
  );
}

/** Arrow keys go from run to run. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const links = [...event.currentTarget.querySelectorAll<Element>("a")];
  const at = document.activeElement === null ? -1 : links.indexOf(document.activeElement);
  const next = links[at + step];
  if (!(next instanceof HTMLElement)) return;
  event.preventDefault();
  next.focus();
}
