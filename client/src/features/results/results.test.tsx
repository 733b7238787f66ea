import { screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { browserHost } from "@/host/browser";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, server } from "@/test/server";

const PATH = "/runs/run-20261123-a2b3c4/results";
const FILES = [
  { path: "50 % done?/notes #1.txt", bytes: 3 },
  { path: "model/model.safetensors", bytes: 2_500_000 },
];
const teams = { ...browserHost, kind: "teams" } as const;

test("loading shows a skeleton", async () => {
  server.use(hangs("/runs/:id/results"));
  renderApp(PATH);
  expect(await screen.findByRole("status", { name: "Loading" })).toBeInTheDocument();
});

test("no file yet says when there will be one", async () => {
  renderApp(PATH);
  expect(await screen.findByText("No file yet")).toBeInTheDocument();
});

test("failed says why", async () => {
  server.use(fails("/runs/:id/results"));
  renderApp(PATH);
  expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
});

test("files are listed with their sizes, and each is a download", async () => {
  server.use(get("/runs/:id/results", { files: FILES }));
  renderApp(PATH);
  const link = await screen.findByRole("link", { name: "Download model/model.safetensors" });
  const results = "/api/v1/runs/run-20261123-a2b3c4/results";
  expect(link).toHaveAttribute("href", `${results}/model/model.safetensors`);
  expect(screen.getByRole("link", { name: /notes/ })).toHaveAttribute(
    "href",
    `${results}/50%20%25%20done%3F/notes%20%231.txt`,
  );
  expect(screen.getByRole("cell", { name: "2.5 MB" })).toBeInTheDocument();
  expect(screen.getByText("2 files, 2.5 MB")).toBeInTheDocument();
});

test("the tab of a run leads to its results", async () => {
  const { router, user } = renderApp("/runs/run-20261123-a2b3c4");
  await user.click(await screen.findByRole("link", { name: "Results" }));
  expect(router.state.location.pathname).toBe(PATH);
});

test("inside Teams, where a link would not say who asks, a file is fetched and saved", async () => {
  const file = vi.spyOn(URL, "createObjectURL");
  const saved: string[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: unknown) {
    if (this instanceof HTMLAnchorElement) saved.push(this.download);
  });
  server.use(
    get("/runs/:id/results", { files: FILES }),
    http.get(/\/results\/model(%2F|\/)model\.safetensors$/, () => HttpResponse.text("weights")),
  );
  const { user } = renderApp(PATH, { host: teams });
  await user.click(await screen.findByRole("button", { name: "Download model/model.safetensors" }));
  await expect.poll(() => file.mock.calls.length).toBe(1);
  expect(saved).toEqual(["model.safetensors"]);
});

test("a file that cannot be fetched says why beside its name", async () => {
  server.use(
    get("/runs/:id/results", { files: FILES }),
    http.get(/\/results\/model/, () =>
      HttpResponse.json(
        {
          code: "unavailable",
          title: "Unavailable",
          detail: "The storage does not answer.",
          status: 503,
        },
        { status: 503 },
      ),
    ),
  );
  const { user } = renderApp(PATH, { host: teams });
  await user.click(await screen.findByRole("button", { name: "Download model/model.safetensors" }));
  expect(await screen.findByRole("alert")).toHaveTextContent("The storage does not answer.");
});
