import { screen, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import type { SweepRequest } from "@/api/generated";
import { aMe, aProblem, aSweep } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { fails, get, post, server } from "@/test/server";
import { combinationsOf, newVaried } from "./varied";

function notePlans(): SweepRequest[] {
  const asked: SweepRequest[] = [];
  server.use(
    http.post<never, SweepRequest>("*/api/v1/sweeps", async ({ request }) => {
      asked.push(await request.json());
      return HttpResponse.json(aSweep({ status: "planned" }));
    }),
    get("/sweeps/:id", aSweep({ status: "planned" })),
  );
  return asked;
}

test("a list and a range become the plan of a sweep, before anything is spent", async () => {
  const asked = notePlans();
  const { router, user } = renderApp("/sweeps/new");
  await user.type(await screen.findByLabelText("Values to try"), "1e-3, 2e-3,");
  expect(screen.getByText("2 combinations.")).toBeInTheDocument();
  expect(screen.queryByLabelText("Learning rate")).not.toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Vary another setting" }));
  const second = within(screen.getByRole("group", { name: "Setting 2" }));
  await user.selectOptions(second.getByLabelText("Setting 2"), "optim.weight_decay");
  await user.selectOptions(second.getByLabelText("Values"), "range");
  await user.type(second.getByLabelText("From"), "1e-4");
  await user.type(second.getByLabelText("To"), "1e-1");
  expect(screen.getByText(/drawn at random: say how many/)).toBeInTheDocument();
  await user.type(screen.getByLabelText("Runs"), "6");
  await user.type(screen.getByLabelText(/Cost limit of all runs/), "2");
  await user.type(screen.getByLabelText("Steps"), "0");
  await user.click(screen.getByRole("button", { name: "Show the plan" }));
  await expect.poll(() => router.state.location.pathname).toBe(`/sweeps/${aSweep().id}`);
  expect(asked[0]?.sweep).toEqual({
    recipe: "tiny-sft",
    vary: {
      "optim.lr": ["1e-3", "2e-3"],
      "optim.weight_decay": { low: "1e-4", high: "1e-1", log: true },
    },
    changes: { "budget.steps": "700" },
    how: "random",
    trials: "6",
    parallel: "1",
    goal: { metric: "eval_loss", direction: "minimize" },
    budget: { cost: "2" },
  });
});

test("faults stand at their settings, what was typed stays", async () => {
  const errors = [
    { loc: "optim.lr", msg: "must be a number (got 'fast')" },
    { loc: "trials", msg: "how=random needs a number of trials" },
    { loc: "budget.steps", msg: "must be greater than 0" },
    { loc: "", msg: "something else" },
  ];
  server.use(post("/sweeps", aProblem({ status: 422, errors }), 422));
  const { user } = renderApp("/sweeps/new");
  const values = await screen.findByLabelText("Values to try");
  await user.type(values, "fast");
  await user.click(screen.getByRole("button", { name: "Show the plan" }));
  expect(await screen.findByText("must be a number (got 'fast')")).toBeInTheDocument();
  expect(values).toBeInvalid();
  expect(values).toHaveValue("fast");
  expect(screen.getByLabelText("Runs")).toBeInvalid();
  expect(screen.getByLabelText("Steps")).toBeInvalid();
  expect(screen.getByText("something else")).toBeInTheDocument();
});

test("a form begun from a sweep holds its values, limits and changes", async () => {
  server.use(get("/sweeps/:id", aSweep()));
  renderApp(`/sweeps/new?like=${aSweep().id}`);
  expect(await screen.findByText("Begun from the settings of tiny-sft.")).toBeInTheDocument();
  const [first, second] = screen.getAllByLabelText("Values to try");
  expect(first).toHaveValue("1e-3, 2e-3");
  expect(second).toHaveValue("0, 1");
  expect(screen.getByLabelText(/Cost limit of all runs/)).toHaveValue("2");
  expect(screen.getByLabelText("Steps")).toHaveValue("30");
});

test("nobody may plan nothing, and a failure is said", async () => {
  server.use(get("/me", aMe({ person: null })));
  renderApp("/sweeps/new");
  expect(await screen.findByText(/Pick a person above/)).toBeInTheDocument();
});

test("a page that cannot be filled says why", async () => {
  server.use(fails("/recipes"));
  renderApp("/sweeps/new");
  expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
});

test("combinations multiply, steps count both ends, and a range without steps has no count", () => {
  const list = { ...newVaried(0, "a"), list: "1, 2, 3" };
  const span = { ...newVaried(1, "b"), kind: "range" as const, low: "10", high: "30", step: "10" };
  expect(combinationsOf([list, { ...span, spacing: "step" }])).toBe(9);
  expect(combinationsOf([list, { ...span, spacing: "log" }])).toBeNull();
  expect(combinationsOf([{ ...span, spacing: "step", step: "" }])).toBe(0);
});
