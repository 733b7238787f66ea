import { screen } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { renderApp } from "@/test/render-app";
import { decideTheme } from "./theme";

const NOTHING = {
  link: undefined,
  host: null,
  stored: null,
  forcedColors: false,
  prefersDark: false,
};

describe("who decides the theme", () => {
  test.each([
    [{ ...NOTHING }, "light"],
    [{ ...NOTHING, prefersDark: true }, "dark"],
    [{ ...NOTHING, prefersDark: true, forcedColors: true }, "contrast"],
    [{ ...NOTHING, stored: "light", prefersDark: true }, "light"],
    [{ ...NOTHING, stored: "light", host: "dark" as const }, "dark"],
    [{ ...NOTHING, host: "dark" as const, link: "contrast" }, "contrast"],
    [{ ...NOTHING, link: "default", prefersDark: true }, "light"], // Teams' name for light
    [{ ...NOTHING, link: "pink", stored: "blue" }, "light"],
  ])("%o is %s", (words, theme) => expect(decideTheme(words)).toBe(theme));
});

test("the choice in the page is worn at once and kept", async () => {
  const { user } = renderApp("/runs");
  await user.selectOptions(await screen.findByLabelText("Theme"), "Dark");
  expect(document.querySelector("[data-theme]")).toHaveAttribute("data-theme", "dark");
  expect(localStorage.getItem("krsp-theme")).toBe("dark");
});

test("the theme of a link stays while one goes round", async () => {
  const { router, user } = renderApp("/runs?theme=contrast");
  await user.click(await screen.findByRole("link", { name: "first-try" }));
  await screen.findByRole("heading", { level: 1, name: "first-try" });
  expect(router.state.location.search).toEqual({ theme: "contrast" });
  expect(document.querySelector("[data-theme]")).toHaveAttribute("data-theme", "contrast");
});
