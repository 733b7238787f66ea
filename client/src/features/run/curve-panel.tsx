import { Link } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import type { RunView } from "@/api/generated";
import { Sparkline } from "@/shared/chart/sparkline";
import { Section } from "@/shared/ui/page";
import styles from "./run.module.css";
import { lossWords } from "./run-facts";
import { WORDS } from "./words";

const LossChart = lazy(() => import("./loss-chart"));

export function CurvePanel({ run }: { run: RunView }) {
  if (run.curve.length < 2) return null;
  const link = (
    <Link to="/runs/$id/metrics" params={{ id: run.id }}>
      {WORDS.curveLink}
    </Link>
  );
  return (
    <Section title={WORDS.curve} aside={link}>
      <div className={styles.curve}>
        <Suspense fallback={<Sparkline points={run.curve} label={lossWords(run)} />}>
          <LossChart run={run} />
        </Suspense>
      </div>
    </Section>
  );
}
