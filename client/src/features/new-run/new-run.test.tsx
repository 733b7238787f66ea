import { screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import type { DraftRequest } from "@/api/generated";
import { aDraft, aMe, aPlan, aProblem, aRun, aSpec, detailOf } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, post, server } from "@/test/server";

/** Answer plans, and note what was asked. */
function notePlans(): DraftRequest[] {
  const asked: DraftRequest[] = [];
  server.use(
    http.post<never, DraftRequest>("*/api/v1/drafts", async ({ request }) => {
      asked.push(await request.json());
      return HttpResponse.json(aDraft());
    }),
    get("/drafts/:id", aDraft()),
  );
  return asked;
}

describe("four states of the form", () => {
  test("loading", async () => {
    server.use(hangs("/recipes"));
    renderApp("/runs/new");
    expect(await screen.findByRole("status", { name: "Loading" })).toBeInTheDocument();
  });
  test("no recipe at all", async () => {
    server.use(get("/recipes", { recipes: [] }));
    renderApp("/runs/new");
    expect(await screen.findByText("No recipe is installed")).toBeInTheDocument();
  });
  test("failed", async () => {
    server.use(fails("/run-spec.schema.json"));
    renderApp("/runs/new");
    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
  });
  test("full: the card's fields first, everything else below", async () => {
    renderApp("/runs/new");
    expect(await screen.findByLabelText("Learning rate")).toHaveValue("0.003");
    expect(screen.getByLabelText("Steps")).toHaveValue("70");
    expect(screen.getAllByLabelText("Steps")).toHaveLength(1);
    expect(screen.getByLabelText("Weight decay")).toHaveValue("0.01");
  });
});

test("only what was changed is asked for, and the plan follows", async () => {
  const asked = notePlans();
  const { router, user } = renderApp("/runs/new");
  const rate = await screen.findByLabelText("Learning rate");
  await user.clear(rate);
  await user.type(rate, "2e-4");
  await user.click(screen.getByRole("button", { name: "Show the plan" }));
  await screen.findByRole("heading", { name: "Plan: first-try" });
  expect(asked).toMatchObject([{ recipe: "tiny-sft", changes: { "optim.lr": "2e-4" } }]);
  expect(router.state.location.search).toEqual({ draft: aDraft().id });
});

test("faults stand at their fields, and what was typed stays", async () => {
  const errors = [
    { loc: "optim.lr", msg: "must be a number (got 'fast')" },
    { loc: "budget", msg: "give exactly one of steps, tokens, epochs" },
  ];
  server.use(post("/drafts", aProblem({ status: 422, errors }), 422));
  const { user } = renderApp("/runs/new");
  const rate = await screen.findByLabelText("Learning rate");
  await user.clear(rate);
  await user.type(rate, "fast");
  await user.click(screen.getByRole("button", { name: "Show the plan" }));
  expect(await screen.findByText("must be a number (got 'fast')")).toBeInTheDocument();
  expect(rate).toHaveValue("fast");
  expect(rate).toHaveFocus();
  expect(rate).toBeInvalid();
  expect(screen.getByText("give exactly one of steps, tokens, epochs")).toBeInTheDocument();
});

test("asking twice for the same sends one nonce, for something else another", async () => {
  const asked: DraftRequest[] = [];
  server.use(
    http.post<never, DraftRequest>("*/api/v1/drafts", async ({ request }) => {
      asked.push(await request.json());
      return HttpResponse.json(aProblem(), { status: 403 });
    }),
  );
  const { user } = renderApp("/runs/new");
  const send = await screen.findByRole("button", { name: "Show the plan" });
  await user.click(send);
  await screen.findByRole("alert");
  await user.click(send);
  await user.type(screen.getByLabelText("Steps"), "0");
  await user.click(send);
  await expect.poll(() => asked.length).toBe(3);
  expect(asked[0]?.nonce).toBe(asked[1]?.nonce);
  expect(asked[2]?.nonce).not.toBe(asked[0]?.nonce);
});

test("a form begun from a run holds that run's settings and sends them as changes", async () => {
  const spec = { ...aSpec(), optim: { ...aSpec().optim, lr: 0.01 } };
  server.use(get("/runs/:id", detailOf(aRun(), { spec })));
  const asked = notePlans();
  const { user } = renderApp("/runs/new?from=run-20261123-a2b3c4");
  expect(await screen.findByLabelText("Learning rate")).toHaveValue("0.01");
  await user.click(screen.getByRole("button", { name: "Show the plan" }));
  await screen.findByRole("heading", { name: "Plan: first-try" });
  expect(asked[0]?.changes).toEqual({ "optim.lr": "0.01" });
});

test("nobody may ask for nothing, and is told how to become somebody", async () => {
  server.use(get("/me", aMe({ person: null })));
  renderApp("/runs/new");
  expect(await screen.findByText(/Pick a person above/)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Show the plan" })).toHaveAttribute(
    "aria-disabled",
    "true",
  );
});

describe("the plan", () => {
  const AT = `/runs/new?draft=${aDraft().id}`;

  test("shows estimate, differences and who must agree", async () => {
    const plan = aPlan({ differences: [{ place: "optim.lr", recipe: 0.003, ours: 0.01 }] });
    server.use(get("/drafts/:id", aDraft({ plan, approval_why: "It may cost 1.20 EUR." })));
    renderApp(AT);
    expect(await screen.findByText("It may cost 1.20 EUR.")).toBeInTheDocument();
    for (const text of ["39 s", "EUR 0.40 to EUR 1.20", "953 MB", "optim.lr"]) {
      expect(screen.getByText(text)).toBeInTheDocument();
    }
  });

  test("Start leads to the run", async () => {
    server.use(get("/drafts/:id", aDraft()), post("/drafts/:id/start", detailOf(aRun())));
    const { router, user } = renderApp(AT);
    await user.click(await screen.findByRole("button", { name: "Start" }));
    await expect.poll(() => router.state.location.pathname).toBe(`/runs/${aRun().id}`);
  });

  test("a plan that was started leads to its run instead", async () => {
    server.use(get("/drafts/:id", aDraft({ started: true })));
    renderApp(AT);
    const link = await screen.findByRole("link", { name: "To the run" });
    expect(link).toHaveAttribute("href", `/runs/${aDraft().id}`);
    expect(screen.queryByRole("button", { name: "Start" })).not.toBeInTheDocument();
  });

  test("Change goes back to the form with the plan's settings", async () => {
    const spec = { ...aSpec(), budget: { ...aSpec().budget, steps: 99 } };
    server.use(get("/drafts/:id", aDraft({ spec })));
    const { user } = renderApp(AT);
    await user.click(await screen.findByRole("button", { name: "Change" }));
    expect(await screen.findByLabelText("Steps")).toHaveValue("99");
  });
});
