import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { renderApp } from "@/test/render-app";

test("an address that leads nowhere says so and leads on", async () => {
  const { router, user } = renderApp("/nowhere");
  expect(await screen.findByRole("heading", { name: "There is no such page" })).toBeInTheDocument();
  await user.click(screen.getByRole("link", { name: "To all runs" }));
  expect(router.state.location.pathname).toBe("/runs");
});

test("the bare address leads to the runs, an old name of a tab to its new one", async () => {
  const { router } = renderApp("/");
  await screen.findByRole("heading", { level: 1, name: "Runs" });
  await router.navigate({ to: "/runs/$id/overview", params: { id: "run-1" } });
  expect(router.state.location.pathname).toBe("/runs/run-1");
});
