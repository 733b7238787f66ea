import type { RunView, TrialOf } from "@/api/generated";
import { ago, moment, whole } from "@/shared/format/format";
import { useNow } from "@/shared/format/use-now";
import { STATUS } from "@/shared/status/status";
import { StatusBadge } from "@/shared/status/status-badge";
import { Facts } from "@/shared/ui/facts";
import { StepBar } from "@/shared/ui/step-bar";
import { Obstacles } from "./obstacles";
import { OfSweep } from "./of-sweep";
import styles from "./run.module.css";
import { factsOf, hasBegun } from "./run-facts";
import { WORDS } from "./words";

type HeadlineProps = { run: RunView; trial: TrialOf | null };

export function Headline({ run, trial }: HeadlineProps) {
  const now = useNow();
  const isTraining = hasBegun(run) && !STATUS[run.status].isFinal;
  return (
    <div className={styles.headline}>
      <div className={styles.statusLine}>
        <span aria-live="polite">
          <StatusBadge status={run.status} />
        </span>
        <p className={styles.sentence}>{run.headline}</p>
      </div>
      <p className={styles.by}>
        {WORDS.by(run.requester, "")}
        <time dateTime={run.created_at} title={moment(run.created_at)}>
          {ago(run.created_at, now)}
        </time>
        {" · "}
        {run.recipe}
        {" · "}
        <code>{run.id}</code>
      </p>
      {trial && <OfSweep trial={trial} />}
      {isTraining && (
        <StepBar
          step={run.step}
          total={run.total}
          label={`${WORDS.step} ${whole(run.step)} of ${whole(run.total)}`}
        />
      )}
      <Obstacles run={run} />
      <Facts facts={factsOf(run)} />
    </div>
  );
}
