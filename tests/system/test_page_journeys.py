"""What a person does on the web pages, clicked and typed in a real browser."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bot.demo import Place
from tests.system.journeys import PATIENCE_MS, RUN_ID, get

pytestmark = [pytest.mark.system, pytest.mark.browser, pytest.mark.timeout(180)]

TABS = ["", "/metrics", "/logs", "/config", "/activity"]
PLACES = ["/runs", "/runs/new", "/sweeps", "/sweeps/new"]
THEMES = ["light", "dark", "contrast"]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
AUDIT = """async (rules) => {
  const { violations } = await axe.run(
    // the second is an empty element of Fluent's that only steers the focus
    { exclude: [["[data-tabster-dummy]"]] },
    { runOnly: { type: "tag", values: rules }, resultTypes: ["violations"] },
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
}"""


@pytest.fixture(scope="module")
def seen(product: Place) -> str:
    """Return the id of a run that somebody asked for in the console and waited for."""
    command = [sys.executable, "-m", "bot", "ask", "train tiny-sft name=seen steps=8"]
    asked = subprocess.run(
        [*command, "--start", "--wait", "--url", product.bot_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr
    found = RUN_ID.search(asked.stdout)
    assert found is not None
    return found.group()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """Return a page; an error in its console fails the test."""
    opened, faults = context.new_page(), []
    opened.on("pageerror", lambda fault: faults.append(str(fault)))
    yield opened
    assert faults == []


def act_as(page: Page, name: str) -> None:
    picker = page.get_by_label("You act as")
    label = picker.locator("option").filter(has_text=name).first.inner_text()
    picker.select_option(label=label)
    expect(picker.locator("option:checked")).to_contain_text(name)


def ask_for(page: Page, place: Place, name: str, steps: str) -> None:
    """Fill in the page's form and show the plan."""
    page.goto(f"{place.public_url}/runs/new")
    act_as(page, "Alex Wilber")
    page.get_by_label("Recipe").select_option("tiny-sft")
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("textbox", name="Steps", exact=True).fill(steps)
    page.get_by_role("button", name="Show the plan").click()


def test_a_run_is_found_in_the_list_and_read_in_all_its_parts(
    page: Page, product: Place, seen: str
) -> None:
    page.goto(product.public_url)
    page.get_by_label("Search").fill(seen)
    page.get_by_role("link", name="seen").first.click()
    expect(page).to_have_url(re.compile(rf"/runs/{seen}"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("seen")
    expect(page.get_by_text("Goal reached").first).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^Loss .*8 to 1"))).to_be_visible()

    page.get_by_role("link", name="Metrics", exact=True).click()
    expect(page.locator("canvas")).not_to_have_count(0)
    page.get_by_role("link", name="Logs", exact=True).click()
    expect(page.get_by_text("step 8 of 8: loss 1.000")).to_be_visible()
    page.get_by_role("link", name="Config", exact=True).click()
    expect(page.get_by_text("budget.steps")).to_be_visible()
    page.get_by_role("link", name="Activity", exact=True).click()
    expect(page.get_by_text("Alex Wilber asked for").first).to_be_visible()


def test_a_fault_stands_at_its_field_and_the_mended_run_is_live_on_its_page(
    page: Page, product: Place
) -> None:
    ask_for(page, product, "by-page", "-3")
    steps = page.get_by_role("textbox", name="Steps", exact=True)
    expect(steps).to_have_attribute("aria-invalid", "true")
    expect(steps).to_have_value("-3")
    described = steps.get_attribute("aria-describedby")
    assert described is not None
    faults = [page.locator(f"[id='{one}']").inner_text() for one in described.split()]
    assert any("greater than 0" in fault for fault in faults), faults
    assert get(product, "/api/v1/runs?q=by-page")["total"] == 0

    steps.fill("60")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("heading", name="Plan: by-page")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page).to_have_url(re.compile(r"/runs/run-"))

    page.get_by_role("link", name="Logs", exact=True).click()
    expect(page.get_by_text("step 2 of 60")).to_be_visible()
    page.get_by_role("link", name="Metrics", exact=True).click()
    expect(page.locator("canvas").first).to_be_visible()
    assert get(product, "/api/v1/runs?q=by-page")["runs"][0]["status"] == "training"
    page.get_by_role("link", name="Overview", exact=True).click()
    expect(page.get_by_text("Goal reached").first).to_be_visible()  # nobody loaded it anew


def test_only_another_person_approves_an_expensive_run_and_it_is_cancelled_with_a_reason(
    page: Page, product: Place
) -> None:
    ask_for(page, product, "page-expensive", "400000")
    expect(page.get_by_text("Someone else must approve")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    approve = page.get_by_role("button", name="Approve", exact=True)
    expect(approve).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_text("somebody else decides").first).to_be_visible()

    act_as(page, "Megan Bowen")
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    approve.click()
    expect(page.get_by_text(re.compile("of 400,000")).first).to_be_visible()
    page.get_by_role("button", name="Cancel run").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox").fill("seen enough")
    dialog.get_by_role("button", name="Cancel run").click()
    expect(page.get_by_text("Cancelled by Megan Bowen").first).to_be_visible()
    expect(page.get_by_text("seen enough").first).to_be_visible()


def test_a_sweep_is_planned_in_the_form_started_and_followed_to_its_best_run(
    page: Page, product: Place
) -> None:
    page.goto(f"{product.public_url}/sweeps/new")
    act_as(page, "Alex Wilber")
    page.get_by_label("Recipe").select_option("tiny-sft")
    page.get_by_role("textbox", name="Steps", exact=True).fill("3")
    page.get_by_role("textbox", name="At a time").fill("2")
    page.get_by_role("textbox", name="Values to try").fill("1e-3, slow")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_text("must be a valid number")).to_be_visible()
    page.get_by_role("textbox", name="Values to try").fill("1e-3, 2e-3")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.get_by_text("Nothing is spent before you press Start")).to_be_visible()

    page.get_by_role("button", name="Start", exact=True).click()
    best = page.get_by_role("region", name="Best run", exact=True)
    expect(best).to_contain_text("held-out loss 0.7", timeout=4 * PATIENCE_MS)
    expect(
        page.get_by_role("img", name=re.compile("Held-out loss by optim.lr, of 2"))
    ).to_be_visible()
    best.get_by_role("link", name="Open the run").click()
    expect(page.get_by_text(re.compile("of 2 of the sweep"))).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
def test_every_page_is_accessible_and_fits_a_phone(
    browser: Browser, product: Place, seen: str, repository: Path, theme: str
) -> None:
    axe = (repository / "client/node_modules/axe-core/axe.min.js").read_text("utf-8")
    context = browser.new_context(viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    page, faults = context.new_page(), []
    for path in [*PLACES, *(f"/runs/{seen}{tab}" for tab in TABS)]:
        page.goto(f"{product.public_url}{path}?theme={theme}")
        expect(page.get_by_role("heading", level=1).first).to_be_visible()
        expect(page.locator("[role='status']")).to_have_count(0)  # what was loading is there
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        page.evaluate(axe)
        found = page.evaluate(AUDIT, RULES)
        faults += [f"{path}: {one}" for one in [*([f"{wide} px too wide"] if wide else []), *found]]
    context.close()
    assert faults == []
