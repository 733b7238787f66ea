import { expect, test, vi } from "vitest";
import { browserHost } from "./browser";
import type { Host, Refusal } from "./host";
import { identifiedFetch } from "./identified-fetch";

const URL_OF_ME = "http://krsp.example/api/v1/me";
const needed = () => Response.json({ code: "sign_in_needed" }, { status: 401 });
const fine = () => Response.json({ ok: true });

function server(...answers: (() => Response)[]) {
  const seen: Request[] = [];
  const plain = vi.fn(async (request: RequestInfo | URL) => {
    seen.push(new Request(request));
    return (answers.length > 1 ? answers.shift() : answers[0])?.() ?? fine();
  });
  return { plain: plain as typeof fetch, seen };
}

function host(part: Partial<Host>): Host {
  return { ...browserHost, identity: async () => ({}), ...part };
}

test("each request says who asks, beside what it said itself", async () => {
  const { plain, seen } = server(fine);
  const identity = async () => ({ Authorization: "Bearer abc" });
  await identifiedFetch(host({ identity }), plain)(URL_OF_ME, { headers: { Accept: "a/b" } });
  expect(seen[0]?.headers.get("Authorization")).toBe("Bearer abc");
  expect(seen[0]?.headers.get("Accept")).toBe("a/b");
});

test("a token that ended on its way is renewed, once, and the same is asked again", async () => {
  const { plain, seen } = server(needed, fine);
  const tokens = ["old", "new"];
  const identity = async () => ({ Authorization: `Bearer ${tokens.shift()}` });
  const send = identifiedFetch(host({ identity, refused: async () => true }), plain);
  const answer = await send(URL_OF_ME, { method: "POST", body: "{}" });
  expect(answer.status).toBe(200);
  expect(seen.map((request) => request.headers.get("Authorization"))).toEqual([
    "Bearer old",
    "Bearer new",
  ]);
  expect(await seen[1]?.text()).toBe("{}");
});

test("a refusal that stays is handed on, never asked a third time", async () => {
  const { plain, seen } = server(needed);
  const send = identifiedFetch(host({ refused: async () => true }), plain);
  expect((await send(URL_OF_ME)).status).toBe(401);
  expect(seen).toHaveLength(2);
});

test("the host hears why, and whether anything has worked since the page loaded", async () => {
  const { plain } = server(needed, fine, needed);
  const heard: Refusal[] = [];
  const refused = async (refusal: Refusal) => {
    heard.push(refusal);
    return false;
  };
  const send = identifiedFetch(host({ refused }), plain);
  for (let count = 0; count < 3; count += 1) await send(URL_OF_ME);
  expect(heard).toEqual([
    { code: "sign_in_needed", worked: false },
    { code: "sign_in_needed", worked: true },
  ]);
});

test("a refusal in no form of ours is still a refusal", async () => {
  const { plain } = server(() => new Response("<html>", { status: 401 }));
  const refused = vi.fn(async () => false);
  await identifiedFetch(host({ refused }), plain)(URL_OF_ME);
  expect(refused).toHaveBeenCalledWith({ code: "", worked: false });
});

test("other refusals are none of the host's business", async () => {
  const { plain } = server(() => new Response(null, { status: 403 }));
  const refused = vi.fn(async () => false);
  await identifiedFetch(host({ refused }), plain)(URL_OF_ME);
  expect(refused).not.toHaveBeenCalled();
});

test("a host that gives no identity says why, in the page's own form", async () => {
  const { plain, seen } = server(fine);
  const identity = async () => Promise.reject(new Error("Teams does not sign you in here."));
  const send = identifiedFetch(host({ identity, refused: async () => false }), plain);
  const answer = await send(URL_OF_ME);
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ detail: "Teams does not sign you in here." });
  expect(seen).toHaveLength(0);
});

test("silence of the server stays silence", async () => {
  const silent = (async () => Promise.reject(new TypeError("Failed to fetch"))) as typeof fetch;
  await expect(identifiedFetch(host({}), silent)(URL_OF_ME)).rejects.toThrow(TypeError);
});
