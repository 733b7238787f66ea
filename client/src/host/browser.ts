/** A browser tab: a cookie says who asks, and a page of the server signs people in. */
import type { Host } from "./host";
import { textIn } from "./text-in";

const HEADER = "X-KRSP-Token";
const BEGAN = "krsp-sign-in-began";
const TOO_SOON_MS = 10_000; // who comes back so soon without a session would go round and round
const LONGEST = 1200; // characters of an address that the server takes back

/** What of the browser is needed; tests bring their own. */
export type BrowserWorld = {
  location: Pick<Location, "pathname" | "search" | "hash" | "assign">;
  cookies(): string;
  storage: Pick<Storage, "getItem" | "setItem">;
  fetch: typeof fetch;
  now(): number;
};

export function makeBrowserHost(world: BrowserWorld): Host {
  function signIn(): void {
    world.storage.setItem(BEGAN, String(world.now()));
    world.location.assign(`/auth/sign-in?return_to=${encodeURIComponent(addressOf(world))}`);
  }
  return {
    kind: "browser",
    theme: () => null,
    onTheme: () => () => {},
    identity: async (method) => (method === "GET" ? {} : pageToken(world.cookies())),
    refused: async ({ code, worked }) => {
      const isSoon = world.now() - Number(world.storage.getItem(BEGAN)) < TOO_SOON_MS;
      // Who has a page open may have typed something: they decide when to leave it.
      if (code !== "sign_in_needed" || worked || isSoon) return false;
      signIn();
      return new Promise(() => {}); // the page is being left
    },
    signIn,
    signOut: async () => {
      const headers = { "Content-Type": "application/json", ...pageToken(world.cookies()) };
      const answer = await world.fetch("/auth/sign-out", { method: "POST", headers, body: "{}" });
      if (!answer.ok)
        throw new Error(`Signing out failed (${answer.status}). Load the page again.`);
      world.location.assign(textIn(await answer.json(), "location") ?? "/auth/signed-out");
    },
    configureTab: null,
  };
}

/** Only our own page can read this cookie, so sending it shows that the request is ours. */
function pageToken(cookies: string): Record<string, string> {
  const found = /(?:^|;\s*)(?:__Host-)?krsp_token=([^;]+)/.exec(cookies)?.[1];
  return found === undefined ? {} : { [HEADER]: found };
}

/** The server takes no character back that browsers read in two ways. */
function addressOf({ location }: BrowserWorld): string {
  const whole = location.pathname + location.search + location.hash;
  const plain = whole.replace(/[\\^`{|}]/g, encodeURIComponent);
  return plain.length <= LONGEST ? plain : location.pathname;
}

export const browserHost: Host = makeBrowserHost({
  location: window.location,
  cookies: () => document.cookie,
  storage: window.sessionStorage,
  fetch: (...request) => window.fetch(...request),
  now: Date.now,
});
