import { Link } from "@tanstack/react-router";
import type { SweepDetail } from "@/api/generated";
import { ago, measure, moment, money } from "@/shared/format/format";
import { useNow } from "@/shared/format/use-now";
import { SWEEP } from "@/shared/status/sweep-status";
import { ToneBadge } from "@/shared/status/tone-badge";
import { Facts } from "@/shared/ui/facts";
import { Prose } from "@/shared/ui/prose";
import styles from "./sweep.module.css";
import { factsOf } from "./sweep-facts";
import { valuesInWords } from "./trials";
import { WORDS } from "./words";

/** How the sweep stands in a few lines and numbers, and its best run. */
export function Headline({ sweep }: { sweep: SweepDetail }) {
  const { parallel, how } = sweep.spec;
  return (
    <div className={styles.headline}>
      <div className={styles.statusLine}>
        <span aria-live="polite">
          <ToneBadge {...SWEEP[sweep.status]} />
        </span>
        <p className={styles.sentence}>
          {WORDS.planned(WORDS.runs(sweep.trials), parallel, WORDS.how[how])}{" "}
          <Prose>{sweep.note}</Prose>
        </p>
      </div>
      <By sweep={sweep} />
      <Best sweep={sweep} />
      <BudgetBar sweep={sweep} />
      <Facts facts={factsOf(sweep)} />
    </div>
  );
}

function By({ sweep }: { sweep: SweepDetail }) {
  const now = useNow();
  return (
    <p className={styles.by}>
      {sweep.requester.name},{" "}
      <time dateTime={sweep.created_at} title={moment(sweep.created_at)}>
        {ago(sweep.created_at, now)}
      </time>
      {" · "}
      {sweep.recipe}
      {" · "}
      <code>{sweep.id}</code>
    </p>
  );
}

function Best({ sweep }: { sweep: SweepDetail }) {
  const best = sweep.runs.find(({ run_id }) => run_id === sweep.best);
  if (best === undefined) return null;
  const figure = WORDS.figures[sweep.spec.goal.metric].toLowerCase();
  const title = SWEEP[sweep.status].isFinal ? WORDS.best : WORDS.bestSoFar;
  return (
    <section className={styles.best} aria-label={title}>
      <strong>{title}:</strong> {valuesInWords(best.values)},{" "}
      {WORDS.bestWords(figure, measure(best.figure))}{" "}
      <Link to="/runs/$id" params={{ id: best.run_id }}>
        {WORDS.toRun}
      </Link>
    </section>
  );
}

function BudgetBar({ sweep }: { sweep: SweepDetail }) {
  const limit = sweep.spec.budget.cost;
  if (limit === null || sweep.started_at === null) return null;
  return (
    <div className={styles.budget}>
      <progress
        className={styles.bar}
        aria-label={WORDS.budgetBar}
        max={limit}
        value={Math.min(sweep.cost, limit)}
      />
      <span>
        {money(sweep.cost, sweep.currency)} / {money(limit, sweep.currency)}
      </span>
    </div>
  );
}
