import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, server } from "@/test/server";

const PATH = "/runs/run-20261123-a2b3c4/activity";

test("loading shows a skeleton", async () => {
  server.use(hangs("/runs/:id/activity"));
  renderApp(PATH);
  expect(await screen.findByRole("status", { name: "Loading" })).toBeInTheDocument();
});

test("nothing yet says so", async () => {
  renderApp(PATH);
  expect(await screen.findByText("Nothing has happened yet")).toBeInTheDocument();
});

test("failed says why", async () => {
  server.use(fails("/runs/:id/activity"));
  renderApp(PATH);
  expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
});

test("each line says who did what, from where", async () => {
  const at = "2026-11-23T03:00:00Z";
  const events = [
    { seq: 1, at, actor: "Alex", kind: "started", text: "Started.", source: "chat" },
    { seq: 2, at, actor: null, kind: "stage", text: "Stage validate: done.", source: "pipeline" },
  ];
  server.use(get("/runs/:id/activity", { events }));
  renderApp(PATH);
  expect(await screen.findByText("Alex · in chat")).toBeInTheDocument();
  expect(screen.getByText("The system · pipeline")).toBeInTheDocument();
});
