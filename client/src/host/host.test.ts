import { expect, test, vi } from "vitest";
import { browserHost } from "./browser";
import { findHost } from "./find-host";
import { themeNamed } from "./host";

test("a page of its own is in the browser, without loading Teams' library", async () => {
  expect(await findHost(false)).toBe(browserHost);
});

test("a frame that is not Teams is given up on after a while", async () => {
  vi.useFakeTimers();
  const host = findHost(true);
  await vi.advanceTimersByTimeAsync(3000);
  vi.useRealTimers();
  expect(await host).toBe(browserHost);
});

test("Teams' names of themes are understood, others not", () => {
  expect(["default", "light", "dark", "contrast", "glass", null].map(themeNamed)).toEqual([
    "light",
    "light",
    "dark",
    "contrast",
    null,
    null,
  ]);
});
