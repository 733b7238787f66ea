/** uPlot's options for a chart of dots in the colours of the theme. */
import type uPlot from "uplot";
import { measure } from "../format/format";
import type { ChartColours } from "./chart-options";
import { roomy } from "./dots";

type DotWishes = {
  colours: ChartColours;
  /** Where x has ticks; null: where the chart likes. */
  ticks: readonly number[] | null;
  /** What stands at the ticks 0, 1, 2 ... */
  words: readonly string[];
  isLog: boolean;
  onCursor: (row: number | null) => void;
};

const AXIS_PX = 58; // room for `1.2e-7`
const DOT_PX = 8;
const RING_PX = 16;
const LOG = 3;

export function dotOptions(wishes: DotWishes, width: number, height: number): uPlot.Options {
  const { colours, ticks, words, isLog } = wishes;
  const axis = {
    stroke: colours.text,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
  };
  const shown = (tick: number | null) => (tick === null ? "" : (words[tick] ?? measure(tick)));
  return {
    width,
    height,
    legend: { show: false },
    padding: [12, 24, 0, 0],
    scales: {
      x: {
        time: false,
        distr: isLog ? LOG : 1,
        range: (_, low, high) => roomy(low ?? 0, high ?? 1, isLog),
      },
      y: { range: (_, low, high) => roomy(low ?? 0, high ?? 1, false) },
    },
    axes: [
      {
        ...axis,
        size: 28,
        values: (_, found) => found.map(shown),
        ...(ticks && { splits: () => [...ticks], filter: (_: uPlot, all: number[]) => all }),
      },
      { ...axis, size: AXIS_PX, values: (_, found) => found.map(yShown) },
    ],
    series: [
      {},
      dots(colours.curves[0]?.line ?? "grey", DOT_PX, true),
      dots(colours.curves[1]?.line ?? "grey", RING_PX, false),
    ],
    cursor: { drag: { x: false, y: false, setScale: false }, points: { show: false } },
    hooks: { setCursor: [(chart) => wishes.onCursor(chart.cursor.idx ?? null)] },
  };
}

const yShown = (tick: number | null) => (tick === null ? "" : measure(tick));

function dots(stroke: string, size: number, isFull: boolean): uPlot.Series {
  const fill = isFull ? stroke : "transparent";
  return { stroke, paths: () => null, points: { show: true, size, width: 2, stroke, fill } };
}
