import { screen, waitFor, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import type { RunView } from "@/api/generated";
import { aDraft, aProblem, aResult, aRun, detailOf, someMetrics } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, post, server } from "@/test/server";

const PATH = "/runs/run-20261123-a2b3c4";

function withRun(part: Partial<RunView>, more: Parameters<typeof detailOf>[1] = {}): void {
  server.use(get("/runs/:id", detailOf(aRun(part), more)));
}

describe("four states", () => {
  test("loading shows a skeleton", async () => {
    server.use(hangs("/runs/:id"));
    renderApp(PATH);
    expect(await screen.findByRole("status", { name: "Loading the run" })).toBeInTheDocument();
  });

  test("an unknown run says so and leads back", async () => {
    server.use(
      fails(
        "/runs/:id",
        aProblem({ status: 404, title: "Not found", detail: "There is no run `x`." }),
      ),
    );
    renderApp(PATH);
    expect(await screen.findByRole("alert")).toHaveTextContent("There is no run x.");
    expect(screen.getByRole("link", { name: "To all runs" })).toHaveAttribute("href", "/runs");
  });

  test("full shows name, sentence, step of total, time left and cost of limit", async () => {
    renderApp(PATH);
    expect(await screen.findByRole("heading", { level: 1, name: "first-try" })).toBeInTheDocument();
    for (const text of [
      "Training, step 20 of 70.",
      "20 of 70",
      "2 min 16 s",
      "of EUR 2.00 at most",
    ]) {
      expect(await screen.findByText(text)).toBeInTheDocument();
    }
  });
});

test("the facts say where in the data the run is and how it uses the machine", async () => {
  const readings = {
    mfu: 0.4123,
    memory_bytes: 1_200_000_000,
    peak_memory_bytes: 1_500_000_000,
    epoch: 0.25,
    sources: {},
  };
  withRun({ readings });
  renderApp(PATH);
  for (const text of ["0.25 times", "1.2 GB", "1.5 GB at most so far", "41.23 % of its peak"]) {
    expect(await screen.findByText(text)).toBeInTheDocument();
  }
});

test("the rail says what each stage took and where the run is now", async () => {
  renderApp(PATH);
  const rail = await screen.findByRole("list", { name: "Stages" });
  const stages = within(rail).getAllByRole("listitem");
  expect(stages.map((stage) => stage.textContent)).toEqual([
    "queued2 s",
    "trainingnow, 1 min 30 s",
    "evaluationto come",
  ]);
  expect(stages[1]).toHaveAttribute("aria-current", "step");
});

describe("actions", () => {
  test("what is not allowed is shown with its reason and does nothing", async () => {
    const yes = { allowed: true, why: "" };
    const no = { allowed: false, why: "Only Alex, an approver or an admin may cancel it." };
    withRun({}, { rights: { cancel: no, approve: yes, reject: yes, rerun: yes, promote: yes } });
    const { user } = renderApp(PATH);
    const button = await screen.findByRole("button", { name: "Cancel run" });
    expect(button).toHaveAccessibleDescription(no.why);
    await user.click(button);
    expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
  });

  test("cancelling asks first and sends the reason", async () => {
    let sent: unknown;
    server.use(
      http.post("*/api/v1/runs/:id/cancel", async ({ request }) => {
        sent = await request.json();
        return HttpResponse.json(detailOf(aRun({ is_stopping: true })));
      }),
    );
    const { user } = renderApp(PATH);
    await user.click(await screen.findByRole("button", { name: "Cancel run" }));
    const dialog = await screen.findByRole("dialog", { name: "Cancel this run?" });
    await user.type(within(dialog).getByRole("textbox"), "wrong data");
    withRun({ is_stopping: true });
    await user.click(within(dialog).getByRole("button", { name: "Cancel run" }));
    expect(await screen.findByRole("button", { name: "Stopping" })).toBeInTheDocument();
    await waitFor(() => expect(screen.queryByRole("dialog")).not.toBeInTheDocument());
    expect(screen.getByRole("link", { name: "New run" })).toBeInTheDocument(); // the page is back
    expect(sent).toEqual({ reason: "wrong data" });
  });

  test("a refusal of the server is said beside the button", async () => {
    withRun({ status: "awaiting_approval" });
    server.use(
      post("/runs/:id/approve", aProblem({ detail: "You asked for this run yourself." }), 403),
    );
    const { user } = renderApp(PATH);
    await user.click(await screen.findByRole("button", { name: "Approve" }));
    expect(await screen.findByRole("alert")).toHaveTextContent("You asked for this run yourself.");
  });

  test("running again leads to a plan, not to a run", async () => {
    withRun({ status: "succeeded" });
    server.use(post("/runs/:id/rerun", aDraft()), get("/drafts/:id", aDraft()));
    const { router, user } = renderApp(PATH);
    await user.click(await screen.findByRole("button", { name: "Run again" }));
    expect(await screen.findByRole("heading", { name: "Plan: first-try" })).toBeInTheDocument();
    expect(router.state.location.search).toEqual({ draft: aDraft().id });
  });
});

describe("the overview leads with what matters", () => {
  test("failed: cause, remedy, last lines", async () => {
    withRun({
      status: "failed",
      diagnosis: { cause: "The loss became NaN.", remedy: "Lower lr.", log_tail: ["step 7 nan"] },
    });
    renderApp(PATH);
    const panel = await screen.findByRole("region", { name: "Why it failed" });
    for (const text of ["The loss became NaN.", "Lower lr.", "step 7 nan"]) {
      expect(panel).toHaveTextContent(text);
    }
  });

  test("succeeded: verdict and numbers", async () => {
    const result = aResult({ eval_perplexity: 60.3, peak_memory_bytes: 9e8 });
    withRun({
      status: "succeeded",
      verdict: { text: "4.1 is below the goal of 4.5.", reached: true },
      result,
    });
    renderApp(PATH);
    const panel = await screen.findByRole("region", { name: "Result" });
    for (const text of ["4.1 is below the goal of 4.5.", "60.3", "900 MB"]) {
      expect(panel).toHaveTextContent(text);
    }
  });

  test("learned from preferences: measures before and after, and no perplexity", async () => {
    const result = aResult({
      ended: "Stopped early: 3 judgings in a row.",
      best_step: 40,
      first_metrics: { "qa/acc": 0.25 },
      metrics: { "qa/acc": 0.43, "rewards/margins": 1.2 },
    });
    withRun({ status: "succeeded", result });
    renderApp(PATH);
    const panel = await screen.findByRole("region", { name: "Result" });
    expect(panel).toHaveTextContent("Training ended early");
    expect(panel).toHaveTextContent("Weights ofstep 40");
    expect(panel).not.toHaveTextContent("Perplexity");
    expect(within(panel).getByRole("row", { name: "qa/acc 0.25 0.43" })).toBeInTheDocument();
    expect(within(panel).getByRole("row", { name: "rewards/margins – 1.2" })).toBeInTheDocument();
  });

  test("what the guard saw stands on the overview", async () => {
    const text = "Step 3: loss spike (z 8.2), batch skipped.";
    const marks = [{ step: 3, kind: "guard", text }];
    server.use(get("/runs/:id/metrics", someMetrics({ marks })));
    renderApp(PATH);
    expect(await screen.findByText(text)).toBeInTheDocument();
  });

  test("a trial of a sweep leads to it, with its values", async () => {
    const trial = {
      sweep: "sweep-20261123-a2b3c4",
      name: "rates",
      number: 2,
      trials: 4,
      values: { lr: "1e-3" },
      is_best: true,
    };
    withRun({}, { trial });
    renderApp(PATH);
    const link = await screen.findByRole("link", { name: "rates" });
    expect(link).toHaveAttribute("href", "/sweeps/sweep-20261123-a2b3c4");
    expect(link.parentElement).toHaveTextContent(
      "Run 2 of 4 of the sweep rates: lr 1e-3; the best",
    );
  });

  test("awaiting approval: why, until when, what is unusual", async () => {
    const approval = { key: "", why: "It may cost 5 EUR.", asked_at: "2026-11-23T03:00:00Z" };
    withRun(
      {
        status: "awaiting_approval",
        approval: { ...approval, expires_at: "2026-11-24T03:00:00Z" },
      },
      { differences: [{ place: "budget.steps", recipe: 70, ours: 0 }] },
    );
    renderApp(PATH);
    const panel = await screen.findByRole("region", { name: "Waits for approval" });
    for (const text of ["It may cost 5 EUR.", "24 Nov 2026", "budget.steps"]) {
      expect(panel).toHaveTextContent(text);
    }
  });

  test.each([
    ["cancelled", { cancelled_by: "Megan", note: "wrong data" }, "wrong data"],
    ["cancelled", { cancelled_by: null }, "Cancelled by the system"],
    ["rejected", { decided_by: "Megan", decision_reason: "too dear" }, "too dear"],
  ] as const)("%s: who and why", async (status, part, text) => {
    withRun({ status, ...part });
    renderApp(PATH);
    expect(await screen.findByText(text, { exact: false })).toBeInTheDocument();
  });

  test("samples and messages whose delivery is unknown", async () => {
    withRun({
      samples: [{ step: 10, prompt: "Why?", text: "Because." }],
      undelivered: ["The card in #training may not have arrived."],
    });
    renderApp(PATH);
    expect(await screen.findByText("Because.")).toBeInTheDocument();
    expect(screen.getByText("The card in #training may not have arrived.")).toBeInTheDocument();
  });
});

test("a run that is over asks for no more hints", async () => {
  withRun({ status: "failed" });
  renderApp(PATH);
  await waitFor(() =>
    expect(screen.queryByRole("button", { name: "Cancel run" })).not.toBeInTheDocument(),
  );
  expect(await screen.findByRole("button", { name: "Run again" })).toBeInTheDocument();
});
