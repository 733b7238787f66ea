import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { aRun, detailOf } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { get, server } from "@/test/server";
import { flatten } from "./flatten";

const PATH = "/runs/run-20261123-a2b3c4/config";
const CHANGED = { differences: [{ place: "optim.lr", recipe: 0.003, ours: 0.01 }] };

test("differences come first, both values side by side", async () => {
  server.use(get("/runs/:id", detailOf(aRun(), CHANGED)));
  renderApp(PATH);
  expect(await screen.findByRole("row", { name: "optim.lr 0.003 0.01" })).toBeInTheDocument();
  expect(screen.queryByText("optim.schedule")).not.toBeInTheDocument();
});

test("all settings can be shown, and the address remembers it", async () => {
  server.use(get("/runs/:id", detailOf(aRun(), CHANGED)));
  const { router, user } = renderApp(PATH);
  await user.click(await screen.findByRole("switch", { name: "Show all settings" }));
  expect(await screen.findByText("optim.schedule")).toBeInTheDocument();
  expect(screen.getByText("differs from the recipe, recipe: 0.003")).toBeInTheDocument();
  expect(router.state.location.search).toEqual({ all: true });
});

test("a recipe that is gone says so and shows everything", async () => {
  server.use(get("/runs/:id", detailOf(aRun(), { recipe_spec: null })));
  renderApp(PATH);
  expect(await screen.findByText(/no longer shipped/)).toBeInTheDocument();
  expect(screen.getByText("optim.schedule")).toBeInTheDocument();
});

test("a spec is flattened to dotted places, lists whole", () => {
  expect(flatten({ a: { b: null, c: [1] }, d: false })).toEqual([
    { place: "a.b", value: null },
    { place: "a.c", value: [1] },
    { place: "d", value: false },
  ]);
});
