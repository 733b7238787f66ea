import { screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { browserHost } from "@/host/browser";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, server } from "@/test/server";

const PATH = "/runs/run-20261123-a2b3c4/logs";

test("loading shows a skeleton", async () => {
  server.use(hangs("/runs/:id/log"));
  renderApp(PATH);
  expect(await screen.findByRole("status", { name: "Loading" })).toBeInTheDocument();
});

test("an empty log says when lines come", async () => {
  server.use(get("/runs/:id/log", { lines: [], first: 1, total: 0 }));
  renderApp(PATH);
  expect(await screen.findByText("No line yet")).toBeInTheDocument();
});

test("failed says why", async () => {
  server.use(fails("/runs/:id/log"));
  renderApp(PATH);
  expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
});

test("lines are shown, the end is followed, and the whole can be downloaded", async () => {
  renderApp(PATH);
  expect(await screen.findByText("step 2/70 loss 7.5")).toBeInTheDocument();
  expect(screen.getByRole("checkbox", { name: "Follow the end" })).toBeChecked();
  expect(screen.getByRole("link", { name: "Download" })).toHaveAttribute(
    "href",
    "/api/v1/runs/run-20261123-a2b3c4/log.txt",
  );
});

test("inside Teams, where a link would not say who asks, the whole is fetched and saved", async () => {
  const file = vi.spyOn(URL, "createObjectURL");
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockReturnValue();
  server.use(http.get("*/api/v1/runs/:id/log.txt", () => HttpResponse.text("one\ntwo\n")));
  const { user } = renderApp(PATH, { host: { ...browserHost, kind: "teams" } });
  await user.click(await screen.findByRole("button", { name: "Download" }));
  await expect.poll(() => file.mock.calls.length).toBe(1);
});

test("a link to lines marks them and does not follow the end", async () => {
  renderApp(`${PATH}#L2-L3`);
  const line = await screen.findByText("step 1/70 loss 7.6");
  expect(line.closest("[data-chosen]")).not.toBeNull();
  expect((await screen.findByText("== train")).closest("[data-chosen]")).toBeNull();
  expect(screen.getByRole("checkbox", { name: "Follow the end" })).not.toBeChecked();
});

test("a line's number puts a link to it into the address", async () => {
  const { router, user } = renderApp(PATH);
  await user.click(await screen.findByRole("link", { name: "Link to line 2" }));
  expect(router.state.location.hash).toBe("L2");
});

test("search counts, marks and goes to the line found", async () => {
  const { router, user } = renderApp(PATH);
  const search = await screen.findByLabelText("Search");
  await user.type(search, "STEP 1");
  expect(await screen.findByText("1 line")).toBeInTheDocument();
  expect(screen.getByText("step 1", { selector: "mark" })).toBeInTheDocument();
  await user.type(search, "{Enter}");
  expect(router.state.location.hash).toBe("L2");
});
