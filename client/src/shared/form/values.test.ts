import { expect, test } from "vitest";
import { aSpec } from "@/test/fixtures";
import { changesOf, typedAt, typedFrom } from "./values";

test("an input shows the value at its place, and nothing for absent ones", () => {
  const shown = ["optim.lr", "budget.tokens", "goal.below", "no.such.place"].map((place) =>
    typedAt(aSpec(), place),
  );
  expect(shown).toEqual(["0.003", "", "4.5", ""]);
});

test("zero and false are shown, not taken for absent", () => {
  expect([typedFrom(0), typedFrom(false), typedFrom(["a", "b"])]).toEqual(["0", "false", "a\nb"]);
});

test("only what was changed is sent, as it was typed", () => {
  const start = { "optim.lr": "0.003", "budget.steps": "70" };
  const now = { "optim.lr": "2e-4", "budget.steps": "70" };
  expect(changesOf(start, now, new Set())).toEqual({ "optim.lr": "2e-4" });
});

test("a list is sent line by line without empty ones, an emptied input as null", () => {
  const now = { prompts: "a\n\n b", lr: " " };
  expect(changesOf({ prompts: "", lr: "1" }, now, new Set(["prompts"]))).toEqual({
    prompts: ["a", " b"],
    lr: null,
  });
});

test("a mixed source is shown as the words that the server reads again", () => {
  const mix = [
    { uri: "a.jsonl", format: "auto", sha256: null, weight: 0.5 },
    { uri: "b.txt", format: "jsonl", sha256: null, weight: 2 },
  ];
  expect(typedFrom(mix)).toBe("a.jsonl 0.5\nb.txt 2 jsonl");
});
