import { screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { browserHost } from "@/host/browser";
import { ALEX, aMe, aProblem, MEGAN } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { fails, get, server } from "@/test/server";

test("the local profile's danger is said in plain sight", async () => {
  renderApp("/runs");
  expect(
    await screen.findByText("Anybody at this machine can act as anybody."),
  ).toBeInTheDocument();
});

test("picking a person acts as them, and everything is looked at anew", async () => {
  let sent: unknown;
  server.use(
    http.post("*/api/v1/sign-in", async ({ request }) => {
      sent = await request.json();
      server.use(get("/me", aMe({ person: MEGAN })));
      return HttpResponse.json(aMe({ person: MEGAN }));
    }),
  );
  const { user } = renderApp("/runs");
  const picker = await screen.findByLabelText("You act as");
  expect(picker).toHaveValue(ALEX.id);
  await user.selectOptions(picker, "Megan (approver)");
  await expect
    .poll(() => screen.getByLabelText<HTMLSelectElement>("You act as").value)
    .toBe(MEGAN.id);
  expect(sent).toEqual({ person_id: MEGAN.id });
});

test("where nobody can be picked, the name is shown", async () => {
  server.use(get("/me", aMe({ people: [], profile: "azure", notice: "" })));
  renderApp("/runs/new");
  expect(await screen.findByText("Alex")).toBeInTheDocument();
  expect(screen.queryByLabelText("You act as")).not.toBeInTheDocument();
});

test("where people sign in, they can sign out too", async () => {
  server.use(get("/me", aMe({ people: [], profile: "azure", notice: "" })));
  let left = 0;
  const signOut = async () => {
    left += 1;
  };
  const { user } = renderApp("/runs", { host: { ...browserHost, signOut } });
  await user.click(await screen.findByRole("button", { name: "Sign out" }));
  await expect.poll(() => left).toBe(1);
});

test("inside Teams there is nothing to sign out of", async () => {
  server.use(get("/me", aMe({ people: [], profile: "azure", notice: "" })));
  renderApp("/runs", { host: { ...browserHost, signOut: null } });
  expect(await screen.findByText("Alex", { selector: "header span" })).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Sign out" })).not.toBeInTheDocument();
});

test("a session that ends leaves the page as it is, and says so", async () => {
  const { client, user } = renderApp("/runs", { host: { ...browserHost, signIn: () => left() } });
  const left = vi.fn();
  await screen.findByRole("link", { name: "first-try" });
  const over = aProblem({
    status: 401,
    code: "sign_in_needed",
    detail: "Nobody is signed in here.",
  });
  server.use(fails("/me", over), fails("/runs", over));
  await client.invalidateQueries({ queryKey: ["runs"] });
  expect(await screen.findByText("Nobody is signed in here.")).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "first-try" })).toBeInTheDocument();
  await user.click(screen.getByRole("button", { name: "Sign in" }));
  expect(left).toHaveBeenCalledOnce();
});

test("somebody without a role learns who can grant one", async () => {
  const detail = "Ada has no role here. An administrator of Entra ID can assign one.";
  server.use(fails("/me", aProblem({ status: 403, code: "no_role", detail })));
  renderApp("/runs");
  expect(await screen.findByText(detail)).toBeInTheDocument();
});
