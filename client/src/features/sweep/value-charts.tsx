import { lazy, Suspense, useMemo } from "react";
import type { SweepDetail } from "@/api/generated";
import { measure } from "@/shared/format/format";
import { Section } from "@/shared/ui/page";
import styles from "./sweep.module.css";
import { chartsOf, shownValue, type ValueChartShape } from "./trials";
import { WORDS } from "./words";

const DotChart = lazy(() =>
  import("@/shared/chart/dot-chart").then(({ DotChart: chart }) => ({ default: chart })),
);

/** The goal's figure against each varied setting. */
export function ValueCharts({ sweep }: { sweep: SweepDetail }) {
  const charts = useMemo(() => chartsOf(sweep), [sweep]);
  if (sweep.started_at === null) return null;
  if ((charts[0]?.dots.length ?? 0) < 2) {
    return (
      <Section title={WORDS.charts}>
        <p className={styles.by}>{WORDS.chartsNone}</p>
      </Section>
    );
  }
  return (
    <Section title={WORDS.charts}>
      <p className={styles.by}>{WORDS.chartHint}</p>
      <div className={styles.charts}>
        {charts.map((chart) => (
          <section key={chart.key} className={styles.chart} aria-label={chart.key}>
            <h3 className={styles.h3}>
              <code>{chart.key}</code>
            </h3>
            <Suspense fallback={<div style={{ height: 252 }} />}>
              <DotChart
                label={labelOf(sweep, chart)}
                name={chart.key}
                dots={chart.dots}
                words={chart.words}
                isLog={chart.isLog}
              />
            </Suspense>
          </section>
        ))}
      </div>
    </Section>
  );
}

function labelOf(sweep: SweepDetail, { key, dots }: ValueChartShape): string {
  const best = sweep.runs.find(({ run_id }) => run_id === sweep.best);
  const words = best && WORDS.chartBest(measure(best.figure), shownValue(best.values[key]));
  const figure = WORDS.figures[sweep.spec.goal.metric];
  return WORDS.chartWords(figure, key, dots.length, words ?? "");
}
