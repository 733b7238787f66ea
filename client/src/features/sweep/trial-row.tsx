import { Link } from "@tanstack/react-router";
import type { SweepDetail, TrialShape } from "@/api/generated";
import { measure, money, whole } from "@/shared/format/format";
import { STATUS } from "@/shared/status/status";
import { StatusBadge } from "@/shared/status/status-badge";
import { Prose } from "@/shared/ui/prose";
import styles from "./sweep.module.css";
import { shownValue, valuesInWords } from "./trials";
import { WORDS } from "./words";

type TrialRowProps = { sweep: SweepDetail; trial: TrialShape };

export function TrialRow({ sweep, trial }: TrialRowProps) {
  const name = `${WORDS.trial} ${trial.number}`;
  const isBest = trial.run_id === sweep.best;
  return (
    <tr className={isBest ? styles.bestRow : undefined}>
      <th scope="row">
        {trial.status === null ? (
          name
        ) : (
          <Link to="/runs/$id" params={{ id: trial.run_id }}>
            {name}
          </Link>
        )}
        {isBest && <strong className={styles.mark}>{WORDS.bestMark}</strong>}
        <div className={`${styles.under} ${styles.narrowOnly}`}>{valuesInWords(trial.values)}</div>
      </th>
      {sweep.varied.map((key) => (
        <td key={key} className={styles.wide}>
          {shownValue(trial.values[key])}
        </td>
      ))}
      <td>
        {trial.status === null ? WORDS.notStarted : <StatusBadge status={trial.status} />}
        <Under trial={trial} />
      </td>
      <td className={styles.number}>{measure(trial.figure)}</td>
      <td className={`${styles.number} ${styles.wide}`}>
        {trial.status === null ? "" : money(trial.cost, sweep.currency)}
      </td>
    </tr>
  );
}

/** How far it is, or why it ended as it did. */
function Under({ trial }: { trial: TrialShape }) {
  if (trial.note) {
    return (
      <div className={styles.under}>
        <Prose>{trial.note}</Prose>
      </div>
    );
  }
  if (trial.status === null || STATUS[trial.status].isFinal || trial.step === 0) return null;
  return <div className={styles.under}>{WORDS.stepOf(whole(trial.step), whole(trial.total))}</div>;
}
