import { expect, test } from "vitest";
import { dotColumns, roomy, ticksOf } from "./dots";

const dot = (x: number, y: number, isBest = false) => ({ x, y, name: "1", isBest });

test("dots are drawn in the order of x, the best in a series of its own", () => {
  expect(dotColumns([dot(2, 5), dot(1, 4, true)])).toEqual([
    [1, 2],
    [4, 5],
    [4, null],
  ]);
});

test("no dot lies on the frame, even where all are one", () => {
  for (const isLog of [true, false]) {
    const [low, high] = roomy(0.01, 0.01, isLog);
    expect(low).toBeLessThan(0.01);
    expect(high).toBeGreaterThan(0.01);
  }
  expect(roomy(0.001, 0.1, true)[0]).toBeGreaterThan(0);
});

test("few values are the ticks themselves", () => {
  expect(ticksOf([dot(2, 1), dot(1, 1), dot(2, 3)])).toEqual([1, 2]);
  expect(ticksOf(Array.from({ length: 20 }, (_, x) => dot(x, 1)))).toBeNull();
});
