import { screen } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { ALEX, aMe, MEGAN } from "@/test/fixtures";
import { renderApp } from "@/test/render-app";
import { get, server } from "@/test/server";

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
