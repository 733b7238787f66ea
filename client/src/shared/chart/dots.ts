/** Pure maths of a chart of dots. */

export type Dot = { x: number; y: number; name: string; isBest: boolean };

type Column = (number | null)[];

/** What uPlot takes: x in order, every y, and the best one's alone. */
export function dotColumns(dots: readonly Dot[]): [number[], Column, Column] {
  const inOrder = inOrderOfX(dots);
  return [
    inOrder.map(({ x }) => x),
    inOrder.map(({ y }) => y),
    inOrder.map(({ y, isBest }) => (isBest ? y : null)),
  ];
}

export function inOrderOfX(dots: readonly Dot[]): Dot[] {
  return dots.toSorted((a, b) => a.x - b.x);
}

/** The range of an axis with room on both sides, so that no dot lies on the frame. */
export function roomy(low: number, high: number, isLog: boolean): [number, number] {
  if (isLog) {
    const factor = (high / low) ** 0.08 || 1;
    return [low / Math.max(factor, 1.1), high * Math.max(factor, 1.1)];
  }
  const room = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
  return [low - room, high + room];
}

const FEW = 8;

/** The values themselves as ticks where they are few; null: let the chart choose. */
export function ticksOf(dots: readonly Dot[]): number[] | null {
  const values = [...new Set(dots.map(({ x }) => x))].toSorted((a, b) => a - b);
  return values.length <= FEW ? values : null;
}
