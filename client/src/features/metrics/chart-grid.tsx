import { useId, useMemo } from "react";
import type { MetricsShape } from "@/api/generated";
import { DataTable } from "@/shared/chart/data-table";
import { LineChart } from "@/shared/chart/line-chart";
import { type Chart, chartsOf, summaryOf, titleOf } from "@/shared/chart/series";
import { measure, whole } from "@/shared/format/format";
import type { View } from "./asked";
import styles from "./metrics.module.css";
import { WORDS } from "./words";

type ChartGridProps = { metrics: MetricsShape; view: View; onView: (view: View) => void };

export function ChartGrid({ metrics, view, onView }: ChartGridProps) {
  const syncKey = useId();
  const charts = useMemo(() => chartsOf(metrics), [metrics]);
  return (
    <>
      <div className={styles.grid}>
        {charts.map((chart) => (
          <section key={chart.title} className={styles.chart} aria-label={chart.title}>
            <h2 className={styles.title}>
              {chart.title} {chart.unit && <span className={styles.unit}>{chart.unit}</span>}
            </h2>
            <LineChart
              label={WORDS.chartLabel(chart.title, wordsFor(chart, metrics.steps))}
              steps={metrics.steps}
              series={chart.series}
              marks={metrics.marks}
              isLog={view.log === true}
              syncKey={syncKey}
              onZoom={(first, last) => onView({ ...view, first, last })}
            />
            <DataTable title={chart.title} steps={metrics.steps} series={chart.series} />
          </section>
        ))}
      </div>
      <Marks metrics={metrics} />
    </>
  );
}

function wordsFor({ series }: Chart, steps: readonly number[]): string {
  const sentences = series.map((one) => {
    const found = summaryOf(steps, one);
    if (found === null) return "";
    const at = (step: number) => whole(Math.round(step));
    return WORDS.summary(
      titleOf(one.key),
      measure(found.last),
      measure(found.best),
      at(found.bestStep),
      measure(found.worst),
      at(found.worstStep),
    );
  });
  return sentences.join(" ");
}

function Marks({ metrics }: { metrics: MetricsShape }) {
  if (metrics.marks.length === 0) return null;
  return (
    <details className={styles.marks}>
      <summary>
        {WORDS.marks} ({metrics.marks.length})
      </summary>
      <ul>
        {metrics.marks.map(({ step, kind, text }) => (
          <li key={`${step} ${kind} ${text}`}>
            step {whole(step)}: {text || kind}
          </li>
        ))}
      </ul>
    </details>
  );
}
