import { screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { browserHost } from "@/host/browser";
import { renderApp } from "@/test/render-app";

test("Teams may save the tab at once, for there is nothing to choose", async () => {
  const configureTab = vi.fn();
  renderApp("/teams/config", { host: { ...browserHost, kind: "teams", configureTab } });
  expect(await screen.findByText(/Press Save/)).toBeInTheDocument();
  expect(configureTab).toHaveBeenCalled();
});

test("outside Teams the page says where it belongs", async () => {
  renderApp("/teams/config");
  expect(await screen.findByText(/This page is for Teams/)).toBeInTheDocument();
});
