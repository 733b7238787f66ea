import { screen, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { aPromotion, aPromotionPlan, aResult, aRun, detailOf } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { get, server } from "@/test/server";

const PATH = "/runs/run-20261123-a2b3c4";
const DONE = detailOf(aRun({ status: "succeeded", result: aResult() }));

function plans(asked: unknown[], part = {}) {
  return http.post("*/api/v1/runs/:id/promotion-plan", async ({ request }) => {
    const body = (await request.json()) as { options: Record<string, string> };
    asked.push(body.options);
    return HttpResponse.json({
      id: "promo-20261123-a2b3c4",
      run_id: DONE.run.id,
      model: body.options["model"] ?? "first-try",
      endpoint: "first-try",
      plan: aPromotionPlan(),
      cost: 1.2,
      until: "2026-11-24T03:00:00Z",
      machines: ["local-cpu"],
      approval_why: null,
      ...part,
    });
  });
}

test("a run that goes on cannot be promoted", async () => {
  renderApp(PATH);
  await screen.findByRole("button", { name: "Cancel run" });
  expect(screen.queryByRole("button", { name: "Promote" })).not.toBeInTheDocument();
});

test("who may not promote is told why, and no dialog opens", async () => {
  const no = { allowed: false, why: "Pick who you are first, at the top of the page." };
  const rights = { ...DONE.rights, promote: no };
  server.use(http.get("*/api/v1/runs/:id", () => HttpResponse.json({ ...DONE, rights })));
  const { user } = renderApp(PATH);
  const button = await screen.findByRole("button", { name: "Promote" });
  expect(button).toHaveAccessibleDescription(no.why);
  await user.click(button);
  expect(screen.queryByRole("dialog")).not.toBeInTheDocument();
});

test("cost and end are shown before anything is spent, and Start promotes just that", async () => {
  const asked: unknown[] = [];
  let started: unknown = null;
  server.use(
    get("/runs/:id", DONE),
    plans(asked),
    http.post("*/api/v1/runs/:id/promote", async ({ request }) => {
      started = await request.json();
      return HttpResponse.json(aPromotion({ status: "queued" }));
    }),
  );
  const { user } = renderApp(PATH);
  await user.click(await screen.findByRole("button", { name: "Promote" }));
  const dialog = await screen.findByRole("dialog", { name: "Promote first-try?" });
  expect(await within(dialog).findByText(/used or not/)).toHaveTextContent("EUR 0.0500 an hour");
  await user.type(within(dialog).getByLabelText("Hours"), "8");
  await user.click(within(dialog).getByRole("button", { name: "Show plan" }));
  await user.click(await within(dialog).findByRole("button", { name: "Start" }));
  await expect
    .poll(() => started)
    .toEqual({
      id: "promo-20261123-a2b3c4",
      order_sha256: "cd",
      options: { hours: "8" },
    });
  expect(asked).toEqual([{}, { hours: "8" }]);
});

test("a plan that needs approval says so, on the button too", async () => {
  server.use(get("/runs/:id", DONE), plans([], { approval_why: "It costs EUR 90." }));
  const { user } = renderApp(PATH);
  await user.click(await screen.findByRole("button", { name: "Promote" }));
  expect(await screen.findByText(/It costs EUR 90/)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Ask for approval" })).toBeInTheDocument();
});

test("what is wrong with a request is said in the dialog", async () => {
  server.use(
    get("/runs/:id", DONE),
    http.post("*/api/v1/runs/:id/promotion-plan", () =>
      HttpResponse.json(
        {
          type: "about:blank",
          code: "invalid_input",
          title: "Invalid",
          status: 422,
          detail: "It cannot be promoted like this.",
          instance: "/x",
          errors: [],
        },
        { status: 422, headers: { "Content-Type": "application/problem+json" } },
      ),
    ),
  );
  const { user } = renderApp(PATH);
  await user.click(await screen.findByRole("button", { name: "Promote" }));
  expect(await screen.findByText(/cannot be promoted like this/)).toBeInTheDocument();
});

test("the run's page shows what serves its model", async () => {
  server.use(get("/runs/:id", DONE), get("/promotions", { promotions: [aPromotion()] }));
  renderApp(PATH);
  const panel = await screen.findByRole("region", { name: "Served" });
  expect(panel).toHaveTextContent("The model is served.");
});
