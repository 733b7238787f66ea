import { useEffect, useEffectEvent, useLayoutEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { MarkShape, SeriesShape } from "@/api/generated";
import styles from "./chart.module.css";
import { chartOptions } from "./chart-options";
import { readColours } from "./colours";
import { Readout } from "./readout";
import { plotColumns, spanOf } from "./series";

type LineChartProps = {
  label: string;
  steps: readonly number[];
  series: readonly SeriesShape[];
  marks: readonly MarkShape[];
  isLog: boolean;
  syncKey: string;
  onZoom: (first: number, last: number) => void;
};

const HEIGHT = 220;

/** Min-max band and line of each series; made once and then only fed (`setData`). */
export function LineChart({ label, steps, series, marks, isLog, syncKey, onZoom }: LineChartProps) {
  const [row, setRow] = useState<number | null>(null);
  const chart = useRef<uPlot | null>(null);
  const data = useMemo(() => plotColumns(steps, series), [steps, series]);
  const zoom = useEffectEvent(onZoom);
  const span = useEffectEvent(() => spanOf(steps));
  const marksNow = useEffectEvent(() => marks);
  const dataNow = useEffectEvent(() => data as uPlot.AlignedData);
  const labels = series.map(({ key }) => key).join("\n");

  const [box, setBox] = useState<HTMLDivElement | null>(null);
  useLayoutEffect(() => {
    if (box === null) return;
    const wishes = {
      labels: labels.split("\n"),
      colours: readColours(box),
      isLog,
      span: () => span(),
      syncKey,
      marks: () => marksNow(),
      onCursor: setRow,
      onZoom: (first: number, last: number) => zoom(first, last),
    };
    const made = new uPlot(chartOptions(wishes, box.clientWidth, HEIGHT), dataNow(), box);
    const sizes = new ResizeObserver(() =>
      made.setSize({ width: box.clientWidth, height: HEIGHT }),
    );
    sizes.observe(box);
    chart.current = made;
    return () => {
      sizes.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [box, labels, isLog, syncKey]);

  useEffect(() => {
    chart.current?.setData(data as uPlot.AlignedData);
  }, [data]);

  return (
    <div>
      <Readout data={data} series={series} row={row} />
      <div
        ref={setBox}
        role="img"
        aria-label={label}
        className={styles.plot}
        style={{ height: HEIGHT }}
      />
    </div>
  );
}
