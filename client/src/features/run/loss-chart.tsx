import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useId, useMemo } from "react";
import { useLiveInterval } from "@/api/events/hooks";
import type { RunView } from "@/api/generated";
import { metricsQuery } from "@/api/queries";
import { LineChart } from "@/shared/chart/line-chart";
import { chartsOf } from "@/shared/chart/series";
import { Sparkline } from "@/shared/chart/sparkline";
import { STATUS } from "@/shared/status/status";
import { lossAsked } from "./loss-asked";
import { lossWords } from "./run-facts";

/** The loss in full, live; until it is there, the run's own forty points. */
export default function LossChart({ run }: { run: RunView }) {
  const navigate = useNavigate();
  const syncKey = useId();
  const interval = useLiveInterval();
  const { data } = useQuery({
    ...metricsQuery(run.id, lossAsked()),
    refetchInterval: STATUS[run.status].isFinal ? false : interval,
  });
  const chart = useMemo(() => data && chartsOf(data)[0], [data]);
  if (data === undefined || chart === undefined) {
    return <Sparkline points={run.curve} label={lossWords(run)} />;
  }
  return (
    <LineChart
      label={lossWords(run)}
      steps={data.steps}
      series={chart.series}
      marks={data.marks}
      isLog={false}
      syncKey={syncKey}
      onZoom={(first, last) =>
        void navigate({ to: "/runs/$id/metrics", params: { id: run.id }, search: { first, last } })
      }
    />
  );
}
