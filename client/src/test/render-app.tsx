/** The whole client at an address, with the tests' server behind it. */
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { EventHub } from "@/api/events/hub";
import { makeQueryClient } from "@/api/query-client";
import { Providers } from "@/app/providers";
import { makeRouter } from "@/app/router";
import { browserHost } from "@/host/browser";

export function renderApp(path: string, hub: EventHub | null = null) {
  const client = makeQueryClient();
  const router = makeRouter(client, createMemoryHistory({ initialEntries: [path] }));
  render(
    <Providers client={client} hub={hub} host={browserHost}>
      <RouterProvider router={router} />
    </Providers>,
  );
  return { router, client, user: userEvent.setup() };
}
