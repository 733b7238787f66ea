/** The whole client at an address, with the tests' server behind it. */
import { createMemoryHistory, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import type { EventHub } from "@/api/events/hub";
import { makeQueryClient } from "@/api/query-client";
import { Providers } from "@/app/providers";
import { makeRouter } from "@/app/router";
import { browserHost } from "@/host/browser";
import type { Host } from "@/host/host";

type World = { hub?: EventHub | null; host?: Host };

export function renderApp(path: string, { hub = null, host = browserHost }: World = {}) {
  const client = makeQueryClient();
  const router = makeRouter(client, createMemoryHistory({ initialEntries: [path] }));
  render(
    <Providers client={client} hub={hub} host={host}>
      <RouterProvider router={router} />
    </Providers>,
  );
  return { router, client, user: userEvent.setup() };
}
