import { describe, expect, test } from "vitest";
import { ago, bytes, duration, measure, money, percent, roughly, setting } from "./format";

describe("duration", () => {
  test.each([
    [0, "0 s"],
    [0.4, "under 1 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [3599.6, "1 h"],
    [200, "3 min 20 s"],
    [7500, "2 h 5 min"],
    [86_399, "1 d"],
    [273_600, "3 d 4 h"],
  ])("%d seconds are %s", (seconds, words) => {
    expect(duration(seconds)).toBe(words);
  });
});

test("what is only expected has no seconds from ten minutes on", () => {
  expect([136, 599, 819, 7500].map(roughly)).toEqual([
    "2 min 16 s",
    "9 min 59 s",
    "14 min",
    "2 h 5 min",
  ]);
});

describe("measure", () => {
  test.each([
    [2.314567, "2.3146"],
    [0, "0"],
    [0.0003, "0.0003"],
    [1.2e-7, "1.20e-7"],
    [null, "–"],
    [-12_345_678, "-1.23e+7"],
  ])("%s is written %s", (value, words) => {
    expect(measure(value)).toBe(words);
  });
});

test("small sums keep the digits that make them differ from nothing", () => {
  expect(money(0.0065, "EUR")).toBe("EUR 0.0065");
  expect(money(12.5, "EUR")).toBe("EUR 12.50");
  expect(money(0, "EUR")).toBe("EUR 0.00");
});

test("bytes are counted in thousands", () => {
  expect([0, 999, 952_725_248, 2e15].map(bytes)).toEqual(["0 B", "999 B", "953 MB", "2000 TB"]);
});

test("what happened today is told by its distance, older by its date", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  expect(ago("2026-11-23T11:59:55Z", now)).toBe("just now");
  expect(ago("2026-11-23T11:47:10Z", now)).toBe("12 min ago");
  expect(ago("2026-11-21T08:00:00Z", now)).toMatch(/^21 Nov/);
});

test("false, zero, nothing and an empty text look different", () => {
  const shown = [false, 0, null, "", []].map(setting);
  expect(new Set(shown).size).toBe(5);
});

test("a step beyond the total is still whole", () => {
  expect([percent(5, 0), percent(35, 70), percent(80, 70)]).toEqual([0, 50, 100]);
});
