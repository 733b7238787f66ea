import type { Difference } from "@/api/generated";
import { setting } from "../format/format";
import { WORDS } from "../words";
import styles from "./tables.module.css";

/** Settings that are not the recipe's, both values side by side. */
export function DifferenceTable({ differences }: { differences: readonly Difference[] }) {
  if (differences.length === 0) return <p>{WORDS.asShipped}</p>;
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">{WORDS.setting}</th>
          <th scope="col">{WORDS.recipe}</th>
          <th scope="col">{WORDS.thisRun}</th>
        </tr>
      </thead>
      <tbody>
        {differences.map(({ place, recipe, ours }) => (
          <tr key={place}>
            <th scope="row">
              <code>{place}</code>
            </th>
            <td>{setting(recipe)}</td>
            <td>
              <strong>{setting(ours)}</strong>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
