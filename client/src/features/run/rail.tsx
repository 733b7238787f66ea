import type { RailStage } from "@/api/generated";
import { duration } from "@/shared/format/format";
import { RAIL_WORDS } from "@/shared/status/status";
import styles from "./rail.module.css";
import { WORDS } from "./words";

/** The stages a run goes through, with the time spent in each. */
export function Rail({ stages }: { stages: readonly RailStage[] }) {
  return (
    <ol className={styles.rail} aria-label={WORDS.rail}>
      {stages.map((stage) => (
        <li
          key={stage.name}
          className={styles.stage}
          data-state={stage.state}
          aria-current={stage.state === "now" ? "step" : undefined}
        >
          <span className={styles.dot} aria-hidden="true" />
          <span className={styles.name}>{stage.name}</span>
          <span className={styles.note}>{noteOf(stage)}</span>
        </li>
      ))}
    </ol>
  );
}

function noteOf({ state, seconds }: RailStage): string {
  const word = RAIL_WORDS[state];
  if (seconds === null || seconds === undefined) return word;
  return state === "done" ? duration(seconds) : `${word}, ${duration(seconds)}`;
}
