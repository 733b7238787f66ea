import { describe, expect, test } from "vitest";
import {
  contentHeight,
  extendTo,
  hashOfRange,
  nextHit,
  offsetAt,
  pagesFor,
  ROW_PX,
  rangeOfHash,
  rowsInSight,
  scrollTopFor,
  splitAt,
} from "./lines";

describe("rows in sight", () => {
  test("a million lines draw only a screenful", () => {
    const { first, last } = rowsInSight(500_000 * ROW_PX, 600, 1_000_000);
    expect(first).toBeLessThan(500_000);
    expect(last - first).toBeLessThan(80);
  });
  test("never beyond the ends", () => {
    expect(rowsInSight(0, 600, 5)).toEqual({ first: 0, last: 5 });
    expect(rowsInSight(99_999, 600, 3)).toEqual({ first: 3, last: 3 });
  });
});

describe("a log too long for a browser's pixels", () => {
  const [height, total] = [600, 1_000_000];

  test("stays below what a browser can place exactly", () => {
    expect(contentHeight(total)).toBeLessThan(2 ** 23);
    expect(contentHeight(100)).toBe(100 * ROW_PX);
  });

  test("its end can be reached", () => {
    const end = offsetAt(contentHeight(total) - height, height, total);
    expect(rowsInSight(end, height, total).last).toBe(total);
  });

  test.each([1, 500, 500_000, 999_900])("line %d is in sight where one is sent for it", (line) => {
    const offset = offsetAt(scrollTopFor(line, height, total), height, total);
    const { first, last } = rowsInSight(offset, height, total);
    expect(line - 1).toBeGreaterThanOrEqual(first);
    expect(line - 1).toBeLessThan(last);
  });

  test("a log that fits scrolls pixel by pixel", () => {
    expect(offsetAt(1234, height, 10_000)).toBe(1234);
    expect(offsetAt(0, height, 3)).toBe(0);
  });
});

describe("pages", () => {
  test("the last page knows how many lines it has by now", () => {
    expect(pagesFor({ first: 495, last: 520 }, 620, 500)).toEqual([
      { page: 0, lines: 500 },
      { page: 1, lines: 120 },
    ]);
  });
  test("a row before a page's edge does not fetch the next", () => {
    expect(pagesFor({ first: 0, last: 500 }, 900, 500)).toEqual([{ page: 0, lines: 500 }]);
  });
  test("no rows, no page", () => expect(pagesFor({ first: 0, last: 0 }, 0, 500)).toEqual([]));
});

describe("links to lines", () => {
  test.each([
    ["L12", { first: 12, last: 12 }],
    ["#L12-L14", { first: 12, last: 14 }],
    ["L14-L12", { first: 12, last: 14 }],
    ["L0", { first: 1, last: 1 }],
  ])("%s", (hash, range) => expect(rangeOfHash(hash)).toEqual(range));
  test.each(["", "12", "L", "Lx", "L1-2"])("%s is none", (hash) => {
    expect(rangeOfHash(hash)).toBeNull();
  });
  test("what is written is read again", () => {
    const range = { first: 123, last: 140 };
    expect(rangeOfHash(hashOfRange(range))).toEqual(range);
  });
  test("a click with Shift widens the range either way", () => {
    expect(extendTo({ first: 5, last: 6 }, 2)).toEqual({ first: 2, last: 5 });
    expect(extendTo({ first: 5, last: 6 }, 9)).toEqual({ first: 5, last: 9 });
    expect(extendTo(null, 2)).toEqual({ first: 2, last: 2 });
  });
});

describe("search", () => {
  test("goes round at both ends", () => {
    expect([nextHit([3, 9], 9, 1), nextHit([3, 9], 3, -1), nextHit([3, 9], 4, 1)]).toEqual([
      3, 9, 9,
    ]);
    expect(nextHit([], 1, 1)).toBeNull();
  });
  test("hits are cut out whatever their case, and nothing is lost", () => {
    const parts = splitAt("Loss and loss", "LOSS");
    expect(parts).toEqual(["", "Loss", " and ", "loss", ""]);
    expect(splitAt("a.b", ".").join("")).toBe("a.b");
  });
});
