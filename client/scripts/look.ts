/**
 * Visit every page of a running bot in the three themes and two widths: keep a picture of each, and
 * fail on any axe finding (A and AA), any overflow to the side and any error thrown in the page.
 *
 *   npm run look -- http://127.0.0.1:3978 [RUN_OR_SWEEP_ID ...]     pictures go to test-results/look
 */
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, chromium, type Page } from "playwright-core";

const [origin = "http://127.0.0.1:3978", ...ids] = process.argv.slice(2);
const sweeps = ids.filter((id) => id.startsWith("sweep-"));
const runs = ids.filter((id) => !id.startsWith("sweep-"));
const OUT = join(dirname(dirname(import.meta.dirname)), "test-results/look");
const CHROMIUM = process.env["KRSP_CHROMIUM"] ?? "/usr/bin/chromium";
const WIDTHS = [1280, 320];
const THEMES = ["light", "dark", "contrast"];
const TABS = ["", "metrics", "logs", "results", "config", "activity"];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

type Place = { name: string; path: string; act?: (page: Page) => Promise<void> };

const PLACES: Place[] = [
  { name: "runs", path: "/runs" },
  { name: "runs-none", path: "/runs?q=no-such-run" },
  { name: "new", path: "/runs/new", act: (page) => page.getByText("All settings").click() },
  { name: "plan", path: "/runs/new", act: showPlan },
  { name: "sweeps", path: "/sweeps" },
  { name: "new-sweep", path: "/sweeps/new", act: varyTwo },
  { name: "models", path: "/models" },
  ...sweeps.map((id) => ({ name: id, path: `/sweeps/${id}` })),
  { name: "missing", path: "/runs/run-20200101-aaaaaa" },
  ...runs.flatMap((id) =>
    TABS.map((tab) => ({ name: `${id}-${tab}`, path: `/runs/${id}/${tab}` })),
  ),
  ...runs
    .slice(0, 1)
    .map((id) => ({ name: "table", path: `/runs/${id}/metrics`, act: openTables })),
];

async function showPlan(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Show the plan" }).click();
  await page.getByRole("heading", { name: /^Plan/ }).waitFor();
}

async function varyTwo(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Vary another setting" }).click();
  await page.getByLabel("Values", { exact: true }).first().selectOption("range");
}

async function openTables(page: Page): Promise<void> {
  await page.locator("summary").first().waitFor();
  for (const summary of await page.locator("summary").all()) await summary.click();
}

/** Act as somebody, as most of the client is for people who may do something. */
async function signIn(page: Page): Promise<void> {
  await page.goto(`${origin}/runs`);
  await page.getByLabel("You act as").selectOption({ index: 1 });
  await page.getByRole("link", { name: "New run" }).first().waitFor();
}

async function look(
  page: Page,
  name: string,
  address: string,
  act: Place["act"],
): Promise<string[]> {
  const faults: string[] = [];
  const hear = (text: string) => faults.push(`${name}: ${text}`);
  page.on("pageerror", (error) => hear(`error in the page: ${error.message}`));
  await page.goto(address);
  await page.locator("h1").waitFor();
  await page.locator('[role="status"]').first().waitFor({ state: "detached" });
  await act?.(page);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(OUT, `${name}.png`), fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) hear(`${wide} px too wide`);
  const { violations } = await new AxeBuilder({ page })
    .withTags(RULES)
    .exclude("[data-tabster-dummy]") // an empty element of Fluent's that only steers the focus
    .analyze();
  for (const { id, nodes } of violations) {
    for (const { html, failureSummary } of nodes) hear(`${id}: ${html}\n    ${failureSummary}`);
  }
  page.removeAllListeners("pageerror");
  return faults;
}

async function lookAtAll(browser: Browser): Promise<string[]> {
  const faults: string[] = [];
  for (const width of WIDTHS) {
    const context = await browser.newContext({ viewport: { width, height: 800 } });
    const page = await context.newPage();
    await signIn(page);
    for (const theme of THEMES) {
      for (const { name, path, act } of PLACES) {
        const address = `${origin}${path}${path.includes("?") ? "&" : "?"}theme=${theme}`;
        faults.push(...(await look(page, `${name}-${theme}-${width}`, address, act)));
      }
    }
    await context.close();
  }
  return faults;
}

mkdirSync(OUT, { recursive: true });
const browser = await chromium.launch({ executablePath: CHROMIUM });
const faults = await lookAtAll(browser);
await browser.close();
console.log(faults.join("\n"));
console.log(
  `${PLACES.length * WIDTHS.length * THEMES.length} pages, ${faults.length} findings, pictures in ${OUT}`,
);
process.exit(faults.length === 0 ? 0 : 1);
