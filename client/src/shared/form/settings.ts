/** From a recipe and the spec's schema to the inputs of the form. */
import type { FormField, RecipeShape } from "@/api/generated";
import { groupsOf, type SchemaField, type SchemaGroup } from "./schema";

/** The server's short words for places in the spec (`trainer.contract.recipe.ALIASES`). */
const PLACES: Record<string, string> = {
  data: "data.train.uri",
  eval_data: "data.eval.uri",
  base: "model.source",
  steps: "budget.steps",
  tokens: "budget.tokens",
  epochs: "budget.epochs",
  hours: "budget.hours",
  budget: "budget.cost",
  lr: "optim.lr",
  seed: "optim.seed",
  batch: "batch.tokens_per_step",
  max_length: "data.max_length",
  r: "tuning.r",
  sku: "compute.sku",
  goal: "goal.below",
};

export type Settings = { main: SchemaField[]; groups: SchemaGroup[] };

/** The recipe's own fields first, as the card shows them; then all others by part of the spec. */
export function settingsOf(recipe: RecipeShape, schema: unknown): Settings {
  const all = groupsOf(schema);
  const byPlace = new Map(all.flatMap(({ fields }) => fields).map((field) => [field.place, field]));
  const main = recipe.fields
    .filter(({ id }) => id !== "recipe")
    .map((field) => mainField(field, byPlace.get(placeOf(field.id))));
  const taken = new Set(main.map(({ place }) => place));
  const groups = all
    .map(({ name, fields }) => ({ name, fields: fields.filter(({ place }) => !taken.has(place)) }))
    .filter(({ fields }) => fields.length > 0);
  return { main, groups };
}

export function placeOf(id: string): string {
  return PLACES[id] ?? id;
}

function mainField(field: FormField, known: SchemaField | undefined): SchemaField {
  return {
    place: placeOf(field.id),
    label: field.label,
    help: field.help || (known?.help ?? ""),
    unit: "", // the server's label names it already
    kind: known?.kind ?? field.input,
    choices: known?.choices ?? field.choices.map(([value]) => value),
    isOptional: !field.required,
  };
}
