import { screen, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { someMetrics } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, server } from "@/test/server";

const PATH = "/runs/run-20261123-a2b3c4/metrics";

test("loading shows a skeleton below the run's own head", async () => {
  server.use(hangs("/runs/:id/metrics"));
  renderApp(PATH);
  expect(await screen.findByRole("status", { name: "Loading" })).toBeInTheDocument();
  expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("first-try");
});

test("no number yet says when there will be", async () => {
  server.use(get("/runs/:id/metrics", someMetrics({ steps: [], series: [], points: 0 })));
  renderApp(PATH);
  expect(await screen.findByText("No number yet")).toBeInTheDocument();
});

test("failed says why", async () => {
  server.use(fails("/runs/:id/metrics"));
  renderApp(PATH);
  expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
});

test("a chart is named with its extremes, and says how much of the truth it shows", async () => {
  renderApp(PATH);
  const chart = await screen.findByRole("img", { name: /Loss by step/ });
  expect(chart).toHaveAccessibleName(/lowest 5 at step 3, highest 9 at step 2/);
  expect(screen.getByText(/Showing 3 of 4 points, extremes kept/)).toBeInTheDocument();
});

test("the numbers are there as a table, spike included", async () => {
  const { user } = renderApp(PATH);
  await user.click(await screen.findByText("Loss as a table"));
  const table = await screen.findByRole("table");
  expect(within(table).getByRole("cell", { name: "9" })).toBeInTheDocument();
});

test("a zoom in the address is asked of the server and can be undone", async () => {
  const asked: string[] = [];
  server.use(
    http.get("*/api/v1/runs/:id/metrics", ({ request }) => {
      asked.push(new URL(request.url).search);
      return HttpResponse.json(someMetrics());
    }),
  );
  const { router, user } = renderApp(`${PATH}?first=10&last=20&smooth=0.9`);
  await user.click(await screen.findByRole("button", { name: "Whole run" }));
  expect(asked[0]).toMatch(/first_step=10&last_step=20.*smooth=0.9/);
  expect(router.state.location.search).toEqual({ smooth: 0.9 });
});

test("the keyboard zooms by typing a step", async () => {
  const { router, user } = renderApp(PATH);
  await user.type(await screen.findByLabelText("From step"), "2{Enter}");
  expect(router.state.location.search).toEqual({ first: 2 });
});
