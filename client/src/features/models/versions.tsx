import { Link } from "@tanstack/react-router";
import type { ModelVersion } from "@/api/generated";
import { measure, moment } from "@/shared/format/format";
import tables from "@/shared/ui/tables.module.css";
import styles from "./models.module.css";
import { WORDS } from "./words";

export function Versions({ versions }: { versions: readonly ModelVersion[] }) {
  const { columns } = WORDS;
  return (
    <table className={tables["table"]}>
      <thead>
        <tr>
          <th scope="col">{columns.model}</th>
          <th scope="col">{columns.run}</th>
          <th scope="col" className={tables["number"]}>
            {columns.loss}
          </th>
          <th scope="col" className={styles.wide}>
            {columns.when}
          </th>
        </tr>
      </thead>
      <tbody>
        {versions.map((version) => (
          <tr key={`${version.model}/${version.version}`}>
            <th scope="row">
              {version.model} {version.version === version.run_id ? "" : version.version}
              {WORDS.stages[version.stage] && (
                <div className={styles.under}>{WORDS.stages[version.stage]}</div>
              )}
            </th>
            <td>
              <Link to="/runs/$id" params={{ id: version.run_id }}>
                {version.run_id}
              </Link>
            </td>
            <td className={tables["number"]}>{measure(version.eval_loss)}</td>
            <td className={styles.wide}>{moment(version.created_at)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
