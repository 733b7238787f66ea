import { describe, expect, test } from "vitest";
import { chartSearch, configSearch, newRunSearch, runsSearch } from "./search";

describe("addresses are checked", () => {
  test("what is understood is kept, the rest dropped", () => {
    const raw = { status: "failed", q: 12, person: "", recipe: ["x"], evil: "1" };
    expect(runsSearch(raw)).toEqual({ status: "failed", q: "12" });
  });

  test.each(["active", "failed"])("%s is a status to filter by", (status) => {
    expect(runsSearch({ status })).toEqual({ status });
  });

  test.each(["done", 3, "toString"])("%s is none", (status) => {
    expect(runsSearch({ status })).toEqual({});
  });

  test("a range of steps that ends before it begins is no range", () => {
    expect(chartSearch({ first: 20, last: 10, smooth: 0.9 })).toEqual({ smooth: 0.9 });
    expect(chartSearch({ first: 0, last: 10 })).toEqual({ first: 0, last: 10 });
    expect(chartSearch({ first: -1, last: 1.5, smooth: 1, log: "yes" })).toEqual({});
  });

  test("a new run begins from a run, a plan, a recipe or nothing", () => {
    expect(newRunSearch({ from: "run-1", like: null })).toEqual({ from: "run-1" });
    expect([configSearch({ all: true }), configSearch({ all: "true" })]).toEqual([
      { all: true },
      {},
    ]);
  });
});
