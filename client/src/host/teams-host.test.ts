import { expect, test, vi } from "vitest";
import { type TeamsLibrary, teamsHost } from "./teams";

type Context = Awaited<ReturnType<TeamsLibrary["app"]["getContext"]>>;
type SaveHandler = Parameters<TeamsLibrary["config"]["registerOnSaveHandler"]>[0];

/** Teams as far as we use it: gives the tokens in turn, and notes what it is told. */
function teams(...tokens: (string | Error)[]) {
  const noted = {
    theme: (_: string) => {},
    save: null as SaveHandler | null,
    isValid: false,
    config: null as unknown,
  };
  const library: TeamsLibrary = {
    app: {
      initialize: async () => {},
      getContext: async () => ({ app: { theme: "dark" } }) as Context,
      registerOnThemeChangeHandler: (handler) => {
        noted.theme = handler;
      },
      notifySuccess: async () => ({ hasFinishedSuccessfully: true }),
    },
    authentication: {
      getAuthToken: async () => {
        const token = tokens.shift() ?? "";
        if (token instanceof Error) throw token;
        return token as never; // the overload for the older callbacks returns nothing
      },
    },
    config: {
      registerOnSaveHandler: (handler) => {
        noted.save = handler;
      },
      setConfig: async (config) => {
        noted.config = config;
      },
      setValidityState: (state) => {
        noted.isValid = state;
      },
    },
  };
  return { library, noted };
}

test("each request carries Teams' own token, and no cookie's", async () => {
  const host = await teamsHost(teams("abc", "def").library);
  expect(await host.identity("POST")).toEqual({ Authorization: "Bearer abc" });
  expect(await host.identity("GET")).toEqual({ Authorization: "Bearer def" });
});

test("a token that was refused is asked for again", async () => {
  const host = await teamsHost(teams().library);
  expect(await host.refused({ code: "unauthenticated", worked: true })).toBe(true);
});

test("why Teams gives no token is said", async () => {
  const host = await teamsHost(teams(new Error("consent_required")).library);
  await expect(host.identity("GET")).rejects.toThrow("consent_required");
});

test("there is no session to end in Teams", async () => {
  expect((await teamsHost(teams().library)).signOut).toBeNull();
});

test("the theme is Teams', and follows it", async () => {
  const { library, noted } = teams();
  const host = await teamsHost(library);
  expect(host.theme()).toBe("dark");
  const taken = vi.fn();
  host.onTheme(taken);
  noted.theme("contrast");
  expect(host.theme()).toBe("contrast");
  expect(taken).toHaveBeenCalledOnce();
});

test("a configured tab opens the runs, and is saved when Teams says so", async () => {
  const { library, noted } = teams();
  (await teamsHost(library)).configureTab?.();
  expect(noted.isValid).toBe(true);
  const event = { result: {}, notifySuccess: vi.fn(), notifyFailure: vi.fn() };
  noted.save?.(event);
  await expect.poll(() => event.notifySuccess.mock.calls.length).toBe(1);
  expect(noted.config).toMatchObject({
    entityId: "runs",
    contentUrl: `${location.origin}/runs`,
  });
});
