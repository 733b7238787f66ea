import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useLiveInterval, useTopics } from "@/api/events/hooks";
import type { SweepSummary } from "@/api/generated";
import { sweepsQuery } from "@/api/sweeps";
import { ago, moment } from "@/shared/format/format";
import { useNow } from "@/shared/format/use-now";
import { SWEEP } from "@/shared/status/sweep-status";
import { ToneBadge } from "@/shared/status/tone-badge";
import { ActionLink } from "@/shared/ui/action-link";
import { Page } from "@/shared/ui/page";
import { Prose } from "@/shared/ui/prose";
import { QueryView } from "@/shared/ui/query-view";
import { Empty, Loading } from "@/shared/ui/states";
import tables from "@/shared/ui/tables.module.css";
import styles from "./sweeps.module.css";
import { WORDS } from "./words";

/** The newest sweeps. */
export function Sweeps() {
  const query = useQuery({ ...sweepsQuery(), refetchInterval: useLiveInterval() });
  useTopics(["sweeps"]);
  const start = <ActionLink to="/sweeps/new">{WORDS.start}</ActionLink>;
  return (
    <Page title={WORDS.title} aside={start}>
      <QueryView query={query} loading={<Loading heights={[40, 56, 56, 56]} />}>
        {({ sweeps }) =>
          sweeps.length === 0 ? (
            <Empty title={WORDS.noneTitle}>
              <span>
                <Prose>{WORDS.none}</Prose>
              </span>
            </Empty>
          ) : (
            <SweepTable sweeps={sweeps} />
          )
        }
      </QueryView>
    </Page>
  );
}

function SweepTable({ sweeps }: { sweeps: readonly SweepSummary[] }) {
  const { columns } = WORDS;
  return (
    <table className={tables.table}>
      <thead>
        <tr>
          <th scope="col">{columns.sweep}</th>
          <th scope="col">{columns.status}</th>
          <th scope="col" className={styles.wide}>
            {columns.who}
          </th>
          <th scope="col" className={styles.wide}>
            {columns.when}
          </th>
          <th scope="col" className={styles.wide}>
            {columns.best}
          </th>
        </tr>
      </thead>
      <tbody>
        {sweeps.map((sweep) => (
          <SweepRow key={sweep.id} sweep={sweep} />
        ))}
      </tbody>
    </table>
  );
}

function SweepRow({ sweep }: { sweep: SweepSummary }) {
  const when = ago(sweep.created_at, useNow());
  return (
    <tr>
      <th scope="row">
        <Link to="/sweeps/$id" params={{ id: sweep.id }} className={styles.name}>
          {sweep.name}
        </Link>
        <div className={styles.under}>
          {WORDS.runs(sweep.trials)}, {WORDS.varies(sweep.varied.join(", "))}
        </div>
        <div className={`${styles.under} ${styles.narrowOnly}`}>
          {sweep.requester.name}, {when}
        </div>
      </th>
      <td>
        <ToneBadge {...SWEEP[sweep.status]} />
      </td>
      <td className={styles.wide}>{sweep.requester.name}</td>
      <td className={styles.wide}>
        <time dateTime={sweep.created_at} title={moment(sweep.created_at)}>
          {when}
        </time>
      </td>
      <td className={styles.wide}>
        {sweep.best && (
          <Link to="/runs/$id" params={{ id: sweep.best }}>
            {WORDS.best}
          </Link>
        )}
      </td>
    </tr>
  );
}
