import { useQuery } from "@tanstack/react-query";
import { useLiveInterval } from "@/api/events/hooks";
import type { MetricsShape } from "@/api/generated";
import { metricsQuery, runQuery } from "@/api/queries";
import { STATUS } from "@/shared/status/status";
import { QueryView } from "@/shared/ui/query-view";
import { Empty, Loading } from "@/shared/ui/states";
import { metricsAsked, type View } from "./asked";
import { ChartGrid } from "./chart-grid";
import { Controls } from "./controls";
import styles from "./metrics.module.css";
import { WORDS } from "./words";

export type MetricsProps = { id: string; view: View; onView: (view: View) => void };

export function Metrics({ id, view, onView }: MetricsProps) {
  const { data: detail } = useQuery(runQuery(id));
  const isOver = detail !== undefined && STATUS[detail.run.status].isFinal;
  const interval = useLiveInterval();
  const query = useQuery({
    ...metricsQuery(id, metricsAsked(view)),
    refetchInterval: isOver ? false : interval,
  });
  return (
    <div className={styles.metrics}>
      <QueryView query={query} loading={<Loading heights={[56, 280, 280]} />}>
        {(metrics) => <Full metrics={metrics} view={view} onView={onView} />}
      </QueryView>
    </div>
  );
}

type FullProps = { metrics: MetricsShape; view: View; onView: (view: View) => void };

function Full({ metrics, view, onView }: FullProps) {
  const isZoomed = view.first !== undefined || view.last !== undefined;
  if (metrics.points === 0 && !isZoomed) {
    return <Empty title={WORDS.none}>{WORDS.noneText}</Empty>;
  }
  return (
    <>
      <Controls metrics={metrics} view={view} onView={onView} />
      <ChartGrid metrics={metrics} view={view} onView={onView} />
    </>
  );
}
