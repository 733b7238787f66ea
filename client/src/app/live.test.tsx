import { act, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { FakeBrowser } from "@/test/fake-world";
import { aRun, detailOf } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { get, server } from "@/test/server";

const PATH = "/runs/run-20261123-a2b3c4";

function live(path: string) {
  const browser = new FakeBrowser();
  browser.time = Date.now();
  const hub = browser.open("tab");
  return { browser, hub, ...renderApp(path, { hub }) };
}

test("a hint about the run brings its new state", async () => {
  const { browser } = live(PATH);
  await screen.findByText("Training, step 20 of 70.");
  act(() => browser.pass(100));
  expect(browser.streams[0]?.topics).toEqual([`run:${aRun().id}`]);
  server.use(get("/runs/:id", detailOf(aRun({ step: 21, headline: "Training, step 21 of 70." }))));
  act(() => browser.streams[0]?.handlers.onHint(`run:${aRun().id}`));
  expect(await screen.findByText("Training, step 21 of 70.")).toBeInTheDocument();
});

test("the list asks about new runs and those not ended", async () => {
  const ended = aRun({ id: "run-2", name: "ended", status: "failed" });
  server.use(get("/runs", { runs: [aRun(), ended], total: 2, next: null }));
  const { browser } = live("/runs");
  await screen.findByRole("link", { name: "ended" });
  act(() => browser.pass(100));
  expect(browser.streams[0]?.topics).toEqual([`run:${aRun().id}`, "runs"]);
});

test("a lost connection keeps the last known state and says how old it is", async () => {
  const { browser } = live(PATH);
  await screen.findByText("Training, step 20 of 70.");
  act(() => browser.pass(100));
  browser.time = Date.now() - 14_000;
  act(() => browser.streams[0]?.handlers.onOpen());
  act(() => browser.streams[0]?.handlers.onLost());
  expect(await screen.findByText(/You see the last known state, 1[45] s old/)).toBeInTheDocument();
  expect(screen.getByText("Training, step 20 of 70.")).toBeInTheDocument();
});
