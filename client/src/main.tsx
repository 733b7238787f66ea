import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { browserHub, openEventSource } from "@/api/events/browser";
import { openFetched } from "@/api/events/fetched";
import { client as api } from "@/api/generated/client.gen";
import { meQuery } from "@/api/queries";
import { makeQueryClient } from "@/api/query-client";
import { Providers } from "@/app/providers";
import { makeRouter } from "@/app/router";
import { findHost } from "@/host/find-host";
import { identifiedFetch } from "@/host/identified-fetch";
import "@/app/global.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

/** A page's code is gone once a newer client was installed: load that, but never round and round. */
addEventListener("vite:preloadError", () => {
  const KEY = "krsp-loaded-anew";
  const last = Number(sessionStorage.getItem(KEY));
  if (Date.now() - last < 10_000) return;
  sessionStorage.setItem(KEY, String(Date.now()));
  location.reload();
});

const host = await findHost();
api.setConfig({ baseUrl: location.origin, fetch: identifiedFetch(host, fetch.bind(window)) });
const hub = browserHub(host.kind === "teams" ? openFetched : openEventSource);
const client = makeQueryClient();
void client.prefetchQuery(meQuery());
const router = makeRouter(client);
createRoot(root).render(
  <StrictMode>
    <Providers client={client} hub={hub} host={host}>
      <RouterProvider router={router} />
    </Providers>
  </StrictMode>,
);
