import type { SweepDetail } from "@/api/generated";
import { Section } from "@/shared/ui/page";
import styles from "./sweep.module.css";
import { TrialRow } from "./trial-row";
import { sortedBy } from "./trials";
import { WORDS } from "./words";

type TrialTableProps = { sweep: SweepDetail; sort: string; onSort: (sort: string) => void };

/** All runs of the sweep: values, state, figure, cost; each column sorts. */
export function TrialTable({ sweep, sort, onSort }: TrialTableProps) {
  const figure = WORDS.figures[sweep.spec.goal.metric];
  const head = { sort, onSort };
  return (
    <Section title={WORDS.trials}>
      <table className={styles.table}>
        <thead>
          <tr>
            <Head {...head} column="number" words={WORDS.trial} />
            {sweep.varied.map((key) => (
              <Head key={key} {...head} column={key} words={key} className={styles.wide} />
            ))}
            <th scope="col">{WORDS.status}</th>
            <Head {...head} column="figure" words={figure} className={styles.number} />
            <Head
              {...head}
              column="cost"
              words={WORDS.columnCost}
              className={`${styles.number} ${styles.wide}`}
            />
          </tr>
        </thead>
        <tbody>
          {sortedBy(sweep.runs, sort).map((trial) => (
            <TrialRow key={trial.number} sweep={sweep} trial={trial} />
          ))}
        </tbody>
      </table>
    </Section>
  );
}

type HeadProps = {
  column: string;
  words: string;
  sort: string;
  onSort: (sort: string) => void;
  className?: string | undefined;
};

/** A column's name, which sorts by it; pressed again, the other way. */
function Head({ column, words, sort, onSort, className }: HeadProps) {
  const order = { [column]: "ascending", [`-${column}`]: "descending" }[sort] as
    | "ascending"
    | "descending"
    | undefined;
  return (
    <th scope="col" className={className} aria-sort={order}>
      <button
        type="button"
        className={styles.sort}
        onClick={() => onSort(sort === column ? `-${column}` : column)}
      >
        {words}
        <span aria-hidden="true">
          {{ ascending: " ▲", descending: " ▼", none: "" }[order ?? "none"]}
        </span>
      </button>
    </th>
  );
}
