import { Switch } from "@fluentui/react-components";
import { useQuery } from "@tanstack/react-query";
import type { RunDetail } from "@/api/generated";
import { runQuery } from "@/api/queries";
import { setting } from "@/shared/format/format";
import { DifferenceTable } from "@/shared/ui/difference-table";
import tables from "@/shared/ui/tables.module.css";
import styles from "./config.module.css";
import { flatten } from "./flatten";
import { WORDS } from "./words";

type ConfigProps = { id: string; showAll: boolean; onShowAll: (wanted: boolean) => void };

/** What the run was given: what differs from its recipe, or everything. */
export function Config({ id, showAll, onShowAll }: ConfigProps) {
  const { data: detail } = useQuery(runQuery(id));
  if (detail === undefined) return null; // the frame around draws loading and failure
  const isGone = detail.recipe_spec === null;
  const all = showAll || isGone;
  return (
    <>
      <div className={styles.head}>
        <p className={styles.words}>
          {isGone ? WORDS.gone : WORDS.only(detail.differences.length)}
        </p>
        {!isGone && (
          <Switch
            label={WORDS.all}
            checked={showAll}
            onChange={(_, { checked }) => onShowAll(checked)}
          />
        )}
      </div>
      {all ? <AllSettings detail={detail} /> : <DifferenceTable differences={detail.differences} />}
      <p className={styles.hash}>
        {WORDS.hash}: <code>{detail.spec_sha256}</code>
      </p>
    </>
  );
}

function AllSettings({ detail }: { detail: RunDetail }) {
  const changed = new Map(detail.differences.map(({ place, recipe }) => [place, recipe]));
  return (
    <table className={tables.table}>
      <thead>
        <tr>
          <th scope="col">{WORDS.setting}</th>
          <th scope="col">{WORDS.value}</th>
        </tr>
      </thead>
      <tbody>
        {flatten(detail.spec).map(({ place, value }) => (
          <tr key={place} data-changed={changed.has(place) || undefined} className={styles.row}>
            <th scope="row">
              <code>{place}</code>
            </th>
            <td>
              {setting(value)}
              {changed.has(place) && (
                <span className={styles.recipe}>
                  {WORDS.differs}, {WORDS.recipe(setting(changed.get(place)))}
                </span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
