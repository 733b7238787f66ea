import { DASH, percent, whole } from "../format/format";
import styles from "./step-bar.module.css";

type StepBarProps = { step: number; total: number; label: string };

/** Steps done of all, as bar and words. */
export function StepBar({ step, total, label }: StepBarProps) {
  if (total === 0) return <span>{DASH}</span>;
  return (
    <div className={styles.stepBar}>
      <progress className={styles.bar} aria-label={label} max={total} value={Math.min(step, total)}>
        {percent(step, total)} %
      </progress>
      <span className={styles.words}>
        {whole(step)} / {whole(total)}
      </span>
    </div>
  );
}
