import { act, screen, within } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { FakeBrowser } from "@/test/fake-world";
import { aProblem, aSweep, aTrial } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, post, server } from "@/test/server";

const PATH = `/sweeps/${aSweep().id}`;
const ROWS = () => screen.getAllByRole("row").slice(1);

function shows(part: Parameters<typeof aSweep>[0]) {
  server.use(get("/sweeps/:id", aSweep(part)));
  return renderApp(PATH);
}

describe("four states", () => {
  test("loading", async () => {
    server.use(hangs("/sweeps/:id"));
    renderApp(PATH);
    expect(await screen.findByRole("status", { name: "Loading the sweep" })).toBeInTheDocument();
  });
  test("failed", async () => {
    server.use(fails("/sweeps/:id"));
    renderApp(PATH);
    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
  });
  test("planned: the price and whose consent it needs, before Start", async () => {
    const plan = { ...aSweep().plan, approval_why: "It may cost up to EUR 9.00." };
    const runs = aSweep().runs.map((run) => aTrial({ ...run, status: null, figure: null }));
    const { user } = shows({ status: "planned", started_at: null, best: null, plan, runs });
    expect(await screen.findByText("It may cost up to EUR 9.00.")).toBeInTheDocument();
    expect(screen.getByText("EUR 1.20")).toBeInTheDocument();
    expect(screen.queryByRole("link", { name: /^Run 1/ })).not.toBeInTheDocument();
    server.use(post("/sweeps/:id/start", aSweep()), get("/sweeps/:id", aSweep()));
    await user.click(screen.getByRole("button", { name: "Start" }));
    expect(await screen.findByText("Running")).toBeInTheDocument();
  });
  test("running: what each run has, and the best so far with a link", async () => {
    shows({});
    const best = await screen.findByRole("region", { name: "Best run so far" });
    expect(best).toHaveTextContent("lr 1e-3, seed 0, held-out loss 1.5");
    expect(within(best).getByRole("link")).toHaveAttribute("href", "/runs/run-20261123-aaaaaa");
    expect(ROWS()[2]).toHaveTextContent("step 4 of 70");
    expect(screen.getByText("2 of 4")).toBeInTheDocument();
    expect(screen.getByRole("progressbar")).toHaveAttribute("max", "2");
  });
});

test("the runs are sorted by the column that is pressed, and back again; the address keeps it", async () => {
  const { router, user } = shows({});
  const figure = await screen.findByRole("button", { name: "Held-out loss" });
  await user.click(figure);
  expect(ROWS().map((row) => row.textContent?.match(/\d/)?.[0])).toEqual(["1", "2", "3", "4"]);
  await user.click(figure);
  expect(ROWS().map((row) => row.textContent?.match(/\d/)?.[0])).toEqual(["2", "1", "3", "4"]);
  expect(router.state.location.search).toEqual({ sort: "-figure" });
  expect(screen.getByRole("columnheader", { name: "Held-out loss" })).toHaveAttribute(
    "aria-sort",
    "descending",
  );
});

test("each varied setting has a chart that says its best value", async () => {
  shows({});
  const chart = await screen.findByRole("img", { name: /Held-out loss by lr, of 2 runs/ });
  expect(chart).toHaveAccessibleName(/The best is 1.5 at 1e-3/);
  expect(screen.getByRole("img", { name: /by seed/ })).toBeInTheDocument();
});

test("a run that ended early or failed says why", async () => {
  const [first, ...others] = aSweep().runs;
  shows({ runs: [aTrial({ ...first, note: "Stopped early: 3 judgings" }), ...others] });
  expect(await screen.findByText("Stopped early: 3 judgings")).toBeInTheDocument();
});

test("it is cancelled with a reason, after a question", async () => {
  const { user } = shows({});
  await user.click(await screen.findByRole("button", { name: "Cancel sweep" }));
  const dialog = await screen.findByRole("dialog");
  server.use(post("/sweeps/:id/cancel", aSweep({ status: "stopping", note: "Alex asked." })));
  server.use(get("/sweeps/:id", aSweep({ status: "stopping", note: "Alex asked." })));
  await user.type(within(dialog).getByRole("textbox"), "wrong data");
  await user.click(within(dialog).getByRole("button", { name: "Cancel sweep" }));
  expect(await screen.findByText("Alex asked.", { exact: false })).toBeInTheDocument();
});

test("what one may not do is shown with its reason", async () => {
  const why = "This sweep is Megan's; only they can start it.";
  const rights = { ...aSweep().rights, start: { allowed: false, why } };
  shows({ status: "planned", rights });
  expect(await screen.findByText(why)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Start" })).toHaveAttribute("aria-disabled", "true");
});

test("a hint about a run of it brings its new figures", async () => {
  const browser = new FakeBrowser();
  browser.time = Date.now();
  server.use(get("/sweeps/:id", aSweep()));
  renderApp(PATH, { hub: browser.open("tab") });
  await screen.findByText("2 of 4");
  act(() => browser.pass(100));
  expect(browser.streams[0]?.topics).toEqual(["run:run-20261123-cccccc", "sweeps"]);
  const runs = aSweep().runs.map((run) => aTrial({ ...run, step: 9 }));
  server.use(get("/sweeps/:id", aSweep({ runs })));
  act(() => browser.streams[0]?.handlers.onHint("run:run-20261123-cccccc"));
  expect(await screen.findByText("step 9 of 70")).toBeInTheDocument();
});

describe("the list", () => {
  test("shows each sweep with how it stands", async () => {
    server.use(get("/sweeps", { sweeps: [aSweep()] }));
    renderApp("/sweeps");
    const link = await screen.findByRole("link", { name: "tiny-sft" });
    expect(link).toHaveAttribute("href", PATH);
    expect(screen.getByText("4 runs, varies lr, seed")).toBeInTheDocument();
  });
  test("without one says how to begin", async () => {
    server.use(get("/sweeps", { sweeps: [] }));
    renderApp("/sweeps");
    expect(await screen.findByText("No sweep yet")).toBeInTheDocument();
    expect(screen.getByRole("link", { name: "New sweep" })).toBeInTheDocument();
  });
});

test("a refusal is said in the server's words", async () => {
  const { user } = shows({ status: "planned" });
  server.use(post("/sweeps/:id/start", aProblem({ detail: "The plan is too old." }), 403));
  await user.click(await screen.findByRole("button", { name: "Start" }));
  expect(await screen.findByText("The plan is too old.")).toBeInTheDocument();
});
