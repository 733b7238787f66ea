import { browserHost } from "./browser";
import type { Host } from "./host";

const PATIENCE_MS = 3000; // a frame that is not Teams never answers

/** Return Teams when the page is framed by it, else the browser. */
export async function findHost(isFramed = window.parent !== window): Promise<Host> {
  if (!isFramed) return browserHost;
  const inTeams = import("./teams").then(({ teamsHost }) => teamsHost()).catch(() => browserHost);
  const tired = new Promise<Host>((resolve) => {
    setTimeout(() => resolve(browserHost), PATIENCE_MS);
  });
  return Promise.race([inTeams, tired]);
}
