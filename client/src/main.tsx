import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { browserHub } from "@/api/events/browser";
import { client as api } from "@/api/generated/client.gen";
import { makeQueryClient } from "@/api/query-client";
import { Providers } from "@/app/providers";
import { makeRouter } from "@/app/router";
import { findHost } from "@/host/find-host";
import "@/app/global.css";

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");

api.setConfig({ baseUrl: location.origin });
const host = await findHost();
createRoot(root).render(
  <StrictMode>
    <Providers client={makeQueryClient()} hub={browserHub()} host={host}>
      <RouterProvider router={makeRouter()} />
    </Providers>
  </StrictMode>,
);
