import { screen, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import { aRun } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, server } from "@/test/server";

const TRAINED = aRun({
  id: "run-20261122-zzzzzz",
  name: "older",
  status: "succeeded",
  eval_loss: 4.2,
});

describe("four states", () => {
  test("loading shows a skeleton", async () => {
    server.use(hangs("/runs"));
    renderApp("/runs");
    expect(await screen.findByRole("status", { name: "Loading" })).toBeInTheDocument();
  });

  test("empty says how to start", async () => {
    server.use(get("/runs", { runs: [], total: 0, next: null }));
    renderApp("/runs");
    expect(await screen.findByText("No run yet")).toBeInTheDocument();
    expect(screen.getByText(/train tiny-sft/)).toBeInTheDocument();
  });

  test("failed says why and can be tried again", async () => {
    server.use(fails("/runs"));
    const { user } = renderApp("/runs");
    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
    server.resetHandlers();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("link", { name: "first-try" })).toBeInTheDocument();
  });

  test("full shows each run's state, progress, loss and cost", async () => {
    server.use(get("/runs", { runs: [aRun(), TRAINED], total: 2, next: null }));
    renderApp("/runs");
    const row = (await screen.findByRole("link", { name: "first-try" })).closest("tr");
    for (const text of ["Training", "20 / 70", "5.1234", "EUR 0.0200", "Alex"]) {
      expect(within(row as HTMLElement).getByText(text)).toBeInTheDocument();
    }
    expect(screen.getByText("4.2")).toBeInTheDocument(); // what counts is the held-out loss
  });
});

describe("filters live in the address", () => {
  test("an address with filters asks the server for just that", async () => {
    let asked = new URLSearchParams();
    server.use(
      http.get("*/api/v1/runs", ({ request }) => {
        asked = new URL(request.url).searchParams;
        return HttpResponse.json({ runs: [], total: 0, next: null });
      }),
    );
    renderApp("/runs?status=failed&person=a2&recipe=tiny-sft&q=lr");
    await screen.findByText("No run matches these filters");
    expect(Object.fromEntries(asked)).toMatchObject({
      status: "failed",
      person: "a2",
      recipe: "tiny-sft",
      q: "lr",
    });
  });

  test("a choice goes into the address and leaves the page of results", async () => {
    const { router, user } = renderApp("/runs?cursor=abc");
    await screen.findByRole("link", { name: "first-try" });
    await user.selectOptions(screen.getByLabelText("Status"), "Failed");
    expect(router.state.location.search).toEqual({ status: "failed" });
  });

  test("a status that does not exist is dropped", async () => {
    const { router } = renderApp("/runs?status=nonsense");
    await screen.findByRole("link", { name: "first-try" });
    expect(router.state.matches.at(-1)?.search).not.toHaveProperty("status");
  });
});

test("further runs are a link away", async () => {
  server.use(get("/runs", { runs: [aRun()], total: 80, next: "c2" }));
  const { router, user } = renderApp("/runs?q=first");
  await user.click(await screen.findByRole("link", { name: "Older" }));
  expect(router.state.location.search).toEqual({ q: "first", cursor: "c2" });
  expect(await screen.findByRole("link", { name: "Newest" })).toBeInTheDocument();
});

test("arrow keys go from run to run", async () => {
  server.use(get("/runs", { runs: [aRun(), TRAINED], total: 2, next: null }));
  const { user } = renderApp("/runs");
  (await screen.findByRole("link", { name: "first-try" })).focus();
  await user.keyboard("{ArrowDown}");
  expect(screen.getByRole("link", { name: "older" })).toHaveFocus();
  await user.keyboard("{ArrowDown}{ArrowUp}");
  expect(screen.getByRole("link", { name: "first-try" })).toHaveFocus();
});
