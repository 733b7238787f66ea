/** uPlot's options for one chart in the colours of the theme. */
import uPlot from "uplot";
import type { MarkShape } from "@/api/generated";
import { measure } from "../format/format";

export type CurveColours = { line: string; edge: string; band: string };
export type ChartColours = { text: string; grid: string; curves: CurveColours[] };

export type ChartWishes = {
  labels: string[];
  colours: ChartColours;
  isLog: boolean;
  /** The first and the last step to draw. */
  span: () => [number, number];
  syncKey: string;
  marks: () => readonly MarkShape[];
  onCursor: (row: number | null) => void;
  onZoom: (first: number, last: number) => void;
};

const AXIS_PX = 58; // room for `1.2e-7`
const STEP_GAPS = [1, 2, 5]
  .flatMap((n) => Array.from({ length: 8 }, (_, p) => n * 10 ** p))
  .sort((a, b) => a - b); // whole steps only
const DASHES = [[], [6, 4], [2, 3]]; // curves differ without colour too
const FEW_POINTS = 80; // each is drawn as a dot up to here

export function chartOptions(wishes: ChartWishes, width: number, height: number): uPlot.Options {
  const { colours, labels } = wishes;
  const axis = {
    stroke: colours.text,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 24, 0, 0],
    scales: { x: { time: false, range: () => wishes.span() }, y: { distr: wishes.isLog ? 3 : 1 } },
    axes: [
      { ...axis, size: 28, incrs: STEP_GAPS },
      {
        ...axis,
        size: AXIS_PX,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : measure(tick))),
      },
    ],
    series: [
      {},
      ...labels.flatMap((label, place) =>
        lineSeries(label, coloursAt(colours.curves, place), DASHES[place] ?? []),
      ),
    ],
    bands: labels.map((_, place) => ({
      series: [3 * place + 1, 3 * place + 2],
      fill: coloursAt(colours.curves, place).band,
    })),
    cursor: {
      sync: { key: wishes.syncKey, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
    },
    hooks: {
      setCursor: [(chart) => wishes.onCursor(chart.cursor.idx ?? null)],
      setSelect: [(chart) => zoomTo(chart, wishes.onZoom)],
      draw: [(chart) => drawMarks(chart, wishes.marks(), colours.text)],
    },
  };
}

function lineSeries(
  label: string,
  { line, edge: stroke }: CurveColours,
  dash: number[],
): uPlot.Series[] {
  const edge = { width: 1, stroke, points: { show: false }, spanGaps: true };
  return [
    { ...edge, label: `${label} high` },
    { ...edge, label: `${label} low` },
    {
      label,
      stroke: line,
      dash,
      width: 1.5,
      spanGaps: true,
      points: { show: (chart, place) => isSparse(chart.data[place] ?? []), size: 5, fill: line },
    },
  ];
}

function isSparse(column: ArrayLike<number | null | undefined>): boolean {
  let count = 0;
  for (let row = 0; row < column.length; row += 1) {
    if (column[row] !== null && column[row] !== undefined) count += 1;
  }
  return count <= FEW_POINTS;
}

function coloursAt(curves: CurveColours[], place: number): CurveColours {
  const grey = { line: "grey", edge: "grey", band: "grey" };
  return curves[place % curves.length] ?? grey;
}

const SMALLEST_DRAG_PX = 5; // less is a click

function zoomTo(chart: uPlot, onZoom: (first: number, last: number) => void): void {
  const { left, width } = chart.select;
  if (width < SMALLEST_DRAG_PX) return;
  const first = Math.floor(chart.posToVal(left, "x"));
  const last = Math.ceil(chart.posToVal(left + width, "x"));
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (last > first) onZoom(Math.max(0, first), last);
}

function drawMarks(chart: uPlot, marks: readonly MarkShape[], colour: string): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.globalAlpha = 0.5;
  ctx.lineWidth = uPlot.pxRatio;
  for (const { step, kind } of marks) {
    const x = Math.round(chart.valToPos(step, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.setLineDash(kind === "resume" ? [] : [2 * uPlot.pxRatio, 4 * uPlot.pxRatio]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}
