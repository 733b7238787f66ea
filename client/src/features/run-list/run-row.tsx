import { Link } from "@tanstack/react-router";
import type { RunView } from "@/api/generated";
import { ago, measure, moment, money, whole } from "@/shared/format/format";
import { useNow } from "@/shared/format/use-now";
import { StatusBadge } from "@/shared/status/status-badge";
import { StepBar } from "@/shared/ui/step-bar";
import styles from "./run-list.module.css";
import { WORDS } from "./words";

export function RunRow({ run }: { run: RunView }) {
  const when = ago(run.created_at, useNow());
  const loss = run.eval_loss ?? run.loss;
  return (
    <tr className={styles.row}>
      <th scope="row">
        <Link to="/runs/$id" params={{ id: run.id }} className={styles.name}>
          {run.name}
        </Link>
        <div className={styles.under}>
          {run.recipe}
          {run.sweep && `, ${WORDS.ofSweep}`}
        </div>
        <div className={`${styles.under} ${styles.narrowOnly}`}>
          {run.requester}, {when}
          {run.step > 0 && (
            <div>{WORDS.short(whole(run.step), whole(run.total), measure(loss))}</div>
          )}
        </div>
      </th>
      <td>
        <StatusBadge status={run.status} />
      </td>
      <td className={styles.wide}>{run.requester}</td>
      <td className={styles.wide}>
        <time dateTime={run.created_at} title={moment(run.created_at)}>
          {when}
        </time>
      </td>
      <td className={styles.medium}>
        <StepBar step={run.step} total={run.total} label={`Progress of ${run.name}`} />
      </td>
      <td className={`${styles.number} ${styles.medium}`}>{measure(loss)}</td>
      <td className={`${styles.number} ${styles.medium}`}>{money(run.cost, run.plan.currency)}</td>
    </tr>
  );
}
