import { measure } from "@/shared/format/format";
import tables from "@/shared/ui/tables.module.css";
import styles from "./run.module.css";
import { WORDS } from "./words";

type Figures = Readonly<Record<string, number>>;
type MeasuresProps = { before: Figures; after: Figures };

/** The method's further figures and those of tasks, before and after training. */
export function Measures({ before, after }: MeasuresProps) {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => !name.endsWith("_stderr"))
    .toSorted();
  if (names.length === 0) return null;
  const hasBefore = Object.keys(before).length > 0;
  return (
    <>
      <h3 className={styles.measures}>{WORDS.metricsTitle}</h3>
      <table className={tables.table}>
        <thead>
          <tr>
            <th scope="col">{WORDS.measure}</th>
            {hasBefore && (
              <th scope="col" className={tables.number}>
                {WORDS.before}
              </th>
            )}
            <th scope="col" className={tables.number}>
              {WORDS.after}
            </th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {hasBefore && <td className={tables.number}>{measure(before[name])}</td>}
              <td className={tables.number}>{measure(after[name])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
