import { Link } from "@tanstack/react-router";
import type { TrialOf } from "@/api/generated";
import { setting } from "@/shared/format/format";
import styles from "./run.module.css";
import { WORDS } from "./words";

/** Which sweep the run belongs to, and its values there. */
export function OfSweep({ trial }: { trial: TrialOf }) {
  const values = Object.entries(trial.values).map(([key, value]) => `${key} ${setting(value)}`);
  return (
    <p className={styles.sentence}>
      {WORDS.trialOf(trial.number, trial.trials)}{" "}
      <Link to="/sweeps/$id" params={{ id: trial.sweep }}>
        {trial.name}
      </Link>
      : {values.join(", ")}
      {trial.is_best && (
        <>
          ; <strong>{WORDS.isBest}</strong>
        </>
      )}
    </p>
  );
}
