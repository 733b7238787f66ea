import { describe, expect, test } from "vitest";
import type { SeriesShape } from "@/api/generated";
import {
  bucketsFor,
  chartsOf,
  extent,
  plotColumns,
  spanOf,
  summaryOf,
  tableRows,
  titleOf,
} from "./series";

function curve(key: string, part: Partial<SeriesShape> = {}): SeriesShape {
  const empty = { low: [], high: [], last: [], smooth: [] };
  return { key, unit: "", points: 0, ...empty, ...part };
}

describe("extent", () => {
  test("holes are no zero", () => expect(extent([null, 3, 2, null])).toEqual([2, 3]));
  test("nothing has no extent", () => expect(extent([null])).toBeNull());
});

test("loss on training and held-out rows share one chart, loss leading", () => {
  const charts = chartsOf({ series: [curve("lr"), curve("eval_loss"), curve("loss")] });
  expect(charts.map(({ series }) => series.map(({ key }) => key))).toEqual([
    ["lr"],
    ["loss", "eval_loss"],
  ]);
});

test("a key is shown in words", () => {
  expect([titleOf("grad_norm"), titleOf("lr")]).toEqual(["Grad norm", "Learning rate"]);
});

test("a spike inside a bucket reaches the chart's band", () => {
  const spiky = curve("grad_norm", { low: [1, 1], high: [1, 99], last: [1, 1], smooth: [1, 1] });
  expect(plotColumns([0, 10], [spiky])).toEqual([
    [0, 10],
    [1, 99],
    [1, 1],
    [1, 1],
  ]);
});

test("buckets without a point in any curve are left out, holes in one stay", () => {
  const dense = { low: [1, null, 3], high: [1, null, 3], last: [1, null, 3], smooth: [1, null, 3] };
  const rare = {
    low: [null, null, 9],
    high: [null, null, 9],
    last: [null, null, 9],
    smooth: [null, null, 9],
  };
  const columns = plotColumns([1, 2, 3], [curve("a", dense), curve("b", rare)]);
  expect(columns[0]).toEqual([1, 3]);
  expect(columns[4]).toEqual([null, 9]);
});

test("the table has a row for each bucket with a value", () => {
  const rows = tableRows(
    [1, 2],
    [curve("a", { low: [1, null], high: [3, null], last: [2, null] })],
  );
  expect(rows).toEqual([{ step: 1, cells: [{ low: 1, high: 3, last: 2 }] }]);
});

test("the summary names last, lowest and highest with their steps", () => {
  const series = curve("a", { low: [5, 1, null], high: [6, 9, null], last: [5, 4, null] });
  expect(summaryOf([10, 20, 30], series)).toEqual({
    last: 4,
    best: 1,
    bestStep: 20,
    worst: 9,
    worstStep: 20,
  });
});

test("a curve without points has no summary", () => {
  expect(summaryOf([1], curve("a", { low: [null], high: [null], last: [null] }))).toBeNull();
});

test("one single step still spans an axis", () => {
  expect([spanOf([7]), spanOf([2, 9]), spanOf([])]).toEqual([
    [7, 8],
    [2, 9],
    [0, 1],
  ]);
});

test("charts of like width ask for the same buckets, so that answers are cached", () => {
  expect([280, 300, 301, 5000].map(bucketsFor)).toEqual([300, 300, 600, 1000]);
});
