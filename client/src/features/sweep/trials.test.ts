import { expect, test } from "vitest";
import { aSweep, aTrial } from "@/test/fixtures";
import { chartsOf, numberFrom, sortedBy, valuesInWords } from "./trials";

const trials = [
  aTrial({ number: 1, figure: 2, values: { lr: "1e-2" } }),
  aTrial({ number: 2, figure: null, values: { lr: "3e-3" } }),
  aTrial({ number: 3, figure: 1, values: { lr: "5e-3" } }),
];
const numbers = (sort: string) => sortedBy(trials, sort).map(({ number }) => number);

test("numbers that were typed are sorted as numbers, and what has none comes last both ways", () => {
  expect(numbers("lr")).toEqual([2, 3, 1]);
  expect(numbers("figure")).toEqual([3, 1, 2]);
  expect(numbers("-figure")).toEqual([1, 3, 2]);
  expect(numbers("no such column")).toEqual([1, 2, 3]);
});

test("what is no number is none", () => {
  expect(["", " ", "auto", "1e-3", 0, true, null].map(numberFrom)).toEqual([
    null,
    null,
    null,
    0.001,
    0,
    null,
    null,
  ]);
});

test("values are said as they were typed", () => {
  expect(valuesInWords({ lr: "1e-3", seed: 1 })).toBe("lr 1e-3, seed 1");
});

test("a setting of words has its places, one of numbers that differ much a logarithm", () => {
  const runs = ["linear", "cosine"].map((schedule, row) =>
    aTrial({
      number: row + 1,
      run_id: `r${row}`,
      figure: row,
      values: { schedule, lr: 10 ** -row * 0.01 },
    }),
  );
  const [schedule, lr] = chartsOf(aSweep({ varied: ["schedule", "lr"], runs, best: "r0" }));
  expect(schedule?.words).toEqual(["cosine", "linear"]);
  expect(schedule?.dots.map(({ x, isBest }) => [x, isBest])).toEqual([
    [1, true],
    [0, false],
  ]);
  expect([schedule?.isLog, lr?.isLog]).toEqual([false, true]);
});
