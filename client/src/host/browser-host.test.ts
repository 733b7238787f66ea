import { expect, test, vi } from "vitest";
import { type BrowserWorld, makeBrowserHost } from "./browser";

const NEEDED = { code: "sign_in_needed", worked: false };

function browser(part: Partial<BrowserWorld> = {}) {
  const stored = new Map<string, string>();
  const assign = vi.fn();
  const world: BrowserWorld = {
    location: { pathname: "/runs", search: "?q=a&b", hash: "#L1", assign },
    cookies: () => "a=b; __Host-krsp_token=abc; c=d",
    storage: {
      getItem: (key) => stored.get(key) ?? null,
      setItem: (key, value) => void stored.set(key, value),
    },
    fetch: async () => Response.json({ location: "https://login.example/logout" }),
    now: () => 1_000_000,
    ...part,
  };
  return { host: makeBrowserHost(world), assign, world };
}

async function answered(promise: Promise<boolean>): Promise<boolean | "left"> {
  return Promise.race([promise, new Promise<"left">((resolve) => setTimeout(resolve, 0, "left"))]);
}

test("a fresh page that needs a person leaves to sign in, and comes back where it was", async () => {
  const { host, assign } = browser();
  expect(await answered(host.refused(NEEDED))).toBe("left");
  expect(assign).toHaveBeenCalledWith("/auth/sign-in?return_to=%2Fruns%3Fq%3Da%26b%23L1");
});

test("a page that has worked stays, since something may be typed on it", async () => {
  const { host, assign } = browser();
  expect(await answered(host.refused({ ...NEEDED, worked: true }))).toBe(false);
  expect(assign).not.toHaveBeenCalled();
});

test("in the local profile nobody is sent anywhere", async () => {
  const { host } = browser();
  expect(await answered(host.refused({ code: "unauthenticated", worked: false }))).toBe(false);
});

test("who comes back without a session is not sent round and round", async () => {
  let now = 1_000_000;
  const { host, assign } = browser({ now: () => now });
  await answered(host.refused(NEEDED));
  now += 9000;
  expect(await answered(host.refused(NEEDED))).toBe(false);
  now += 2000;
  expect(await answered(host.refused(NEEDED))).toBe("left");
  expect(assign).toHaveBeenCalledTimes(2);
});

test("an address that is too long or can be read in two ways still comes back", () => {
  const long = browser();
  long.world.location.search = `?q=${"a".repeat(2000)}`;
  long.host.signIn();
  expect(long.assign).toHaveBeenCalledWith("/auth/sign-in?return_to=%2Fruns");
  const odd = browser();
  odd.world.location.search = "?q={a|b}\\";
  odd.host.signIn();
  const address = "/runs?q=%7Ba%7Cb%7D%5C#L1";
  expect(odd.assign).toHaveBeenCalledWith(`/auth/sign-in?return_to=${encodeURIComponent(address)}`);
});

test("what changes something carries the token that only our page can read", async () => {
  const { host } = browser();
  expect(await host.identity("POST")).toEqual({ "X-KRSP-Token": "abc" });
  expect(await host.identity("GET")).toEqual({});
});

test.each(["", "krsp_token_of_another=abc", "xkrsp_token=abc"])(
  "without our cookie there is no token: %s",
  async (cookies) => {
    expect(await browser({ cookies: () => cookies }).host.identity("POST")).toEqual({});
  },
);

test("signing out ends the session and goes on to where the provider does the same", async () => {
  const sent = vi.fn(async () => Response.json({ location: "https://login.example/logout" }));
  const { host, assign } = browser({ fetch: sent });
  await host.signOut?.();
  const headers = { "Content-Type": "application/json", "X-KRSP-Token": "abc" };
  expect(sent).toHaveBeenCalledWith("/auth/sign-out", { method: "POST", headers, body: "{}" });
  expect(assign).toHaveBeenCalledWith("https://login.example/logout");
});

test("a session that could not be ended is said to go on", async () => {
  const { host, assign } = browser({ fetch: async () => new Response(null, { status: 403 }) });
  await expect(host.signOut?.()).rejects.toThrow("Signing out failed (403)");
  expect(assign).not.toHaveBeenCalled();
});
