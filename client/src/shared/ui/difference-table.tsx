import type { Difference } from "@/api/generated";
import { setting } from "../format/format";
import styles from "./tables.module.css";

const NONE = "Nothing: this is the recipe as it is shipped.";

/** Settings that are not the recipe's, both values side by side. */
export function DifferenceTable({ differences }: { differences: readonly Difference[] }) {
  if (differences.length === 0) return <p>{NONE}</p>;
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <th scope="col">Setting</th>
          <th scope="col">Recipe</th>
          <th scope="col">This run</th>
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
