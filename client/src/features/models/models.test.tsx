import { act, screen, within } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import { keys } from "@/api/keys";
import { aModelVersion, aPromotion } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { fails, get, hangs, server } from "@/test/server";

const SERVED = { versions: [aModelVersion()], endpoints: [] };

describe("four states", () => {
  test("loading shows a skeleton", async () => {
    server.use(hangs("/models"));
    renderApp("/models");
    expect(await screen.findByRole("status", { name: "Loading" })).toBeInTheDocument();
  });

  test("empty says where models come from", async () => {
    renderApp("/models");
    expect(await screen.findByText("No model yet")).toBeInTheDocument();
    expect(screen.getByText(/press Promote/)).toBeInTheDocument();
  });

  test("failed says why and can be tried again", async () => {
    server.use(fails("/models"));
    const { user } = renderApp("/models");
    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
    server.resetHandlers();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByText("No model yet")).toBeInTheDocument();
  });

  test("promotions that are still to come are not taken for none", async () => {
    server.use(get("/models", SERVED), hangs("/promotions"));
    const { client } = renderApp("/models");
    await expect.poll(() => client.getQueryData(keys.models())).toBeDefined();
    await act(async () => {}); // the page has seen it
    expect(screen.getByRole("status", { name: "Loading" })).toBeInTheDocument();
  });

  test("promotions that cannot be read say why", async () => {
    server.use(get("/models", SERVED), fails("/promotions"));
    renderApp("/models");
    expect(await screen.findByRole("alert")).toHaveTextContent("The database does not answer");
  });

  test("full shows what is served, how to call it, and each version with its run", async () => {
    server.use(get("/models", SERVED), get("/promotions", { promotions: [aPromotion()] }));
    renderApp("/models");
    const served = await screen.findByRole("article", { name: "tiny tiny" });
    for (const text of ["Live", "The model is served.", "curl http://127.0.0.1"]) {
      expect(served).toHaveTextContent(text);
    }
    const row = screen.getByRole("row", { name: /In production/ });
    expect(within(row).getByRole("link", { name: "run-20261123-a2b3c4" })).toHaveAttribute(
      "href",
      "/runs/run-20261123-a2b3c4",
    );
  });
});

test("an endpoint is undeployed with a reason, after a question", async () => {
  let said: unknown = null;
  server.use(
    get("/models", SERVED),
    get("/promotions", { promotions: [aPromotion()] }),
    http.post("*/api/v1/promotions/:id/undeploy", async ({ request }) => {
      said = await request.json();
      return HttpResponse.json(aPromotion({ status: "undeploying" }));
    }),
  );
  const { user } = renderApp("/models");
  await user.click(await screen.findByRole("button", { name: "Undeploy" }));
  const dialog = await screen.findByRole("dialog", { name: "End this endpoint?" });
  await user.type(within(dialog).getByRole("textbox"), "not needed");
  await user.click(within(dialog).getByRole("button", { name: "Undeploy" }));
  await expect.poll(() => said).toEqual({ reason: "not needed" });
});

test("what one may not do is shown with its reason", async () => {
  const detail = aPromotion();
  const why = "Megan asked for this promotion.";
  const rights = { ...detail.rights, undeploy: { allowed: false, why } };
  server.use(get("/models", SERVED), get("/promotions", { promotions: [{ ...detail, rights }] }));
  renderApp("/models");
  const button = await screen.findByRole("button", { name: "Undeploy" });
  expect(button).toHaveAccessibleDescription(why);
});

test("an endpoint that no promotion made is told apart", async () => {
  const endpoint = { name: "other", url: "https://other", deployments: [], expires_at: null };
  server.use(get("/models", { versions: [], endpoints: [{ ...endpoint, note: "" }] }));
  renderApp("/models");
  expect(await screen.findByText(/Not made by a promotion of ours/)).toBeInTheDocument();
});
