import { expect, test } from "vitest";
import { aSchema } from "@/test/fixtures";
import { groupsOf, type SchemaField } from "./schema";

const groups = groupsOf(aSchema());
const fields = new Map(
  groups.flatMap((group) => group.fields).map((field) => [field.place, field]),
);
const fieldAt = (place: string): SchemaField | undefined => fields.get(place);

test("every setting of the spec has an input, but what the recipe fixes", () => {
  expect(fieldAt("optim.lr")).toMatchObject({ kind: "number", label: "Learning rate" });
  expect(fieldAt("version")).toBeUndefined();
  expect(fieldAt("recipe")).toBeUndefined();
});

test("a part that may be absent has its settings, all optional", () => {
  expect(fieldAt("goal.below")).toMatchObject({ isOptional: true });
  expect(fieldAt("model.config.layers")).toMatchObject({ kind: "number", isOptional: true });
});

test("settings deeper down name their parent, so that no two look alike", () => {
  expect(fieldAt("data.train.format")?.label).not.toBe(fieldAt("data.eval.format")?.label);
});

test.each([
  ["tuning.kind", "choice"],
  ["deterministic", "flag"],
  ["eval.prompts", "lines"],
  ["batch.micro_tokens", "text"], // a number or `auto`
  ["data.train.sha256", "text"],
])("%s is a %s", (place, kind) => expect(fieldAt(place)?.kind).toBe(kind));

test("a choice offers what the schema allows", () => {
  expect(fieldAt("optim.schedule")?.choices).toEqual(["cosine", "linear", "constant"]);
});

test("a unit stands apart from the label", () => {
  expect(fieldAt("batch.tokens_per_step")?.unit).toBe("tokens");
});

test("something else than a schema has no inputs", () => {
  expect([groupsOf(null), groupsOf([]), groupsOf({})]).toEqual([[], [], []]);
});
