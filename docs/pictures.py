"""Take the README's pictures from the running product: `make pictures`."""

import contextlib
import os
import re
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Locator, Page, ViewportSize, expect, sync_playwright

from bot.demo import RUN_ID, Place, serve_bot, serve_playground
from bot.settings import DEFAULTS, load_people

FOLDER = Path(__file__).parent / "images"
CHROMIUM = os.environ.get("KRSP_CHROMIUM", "chromium")
# Nothing outside this machine may be looked up, not even the Playground's fonts.
ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
MOST_BYTES = 200_000
TRAINED_MS = 600_000
CARD_SCALE, PAGE_SCALE = 2, 1  # device pixels to a pixel: sharp, and below MOST_BYTES


def main() -> int:
    """Train the sample recipe once, and look at its card and its page."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        place = _place(Path(home))
        people = load_people(DEFAULTS / "people.yaml")
        with serve_bot(place), serve_playground(place, people):
            _take(place)
    too_big = [path.name for path in FOLDER.glob("*.png") if path.stat().st_size > MOST_BYTES]
    if too_big:
        print(f"Over {MOST_BYTES} bytes: {', '.join(too_big)}.", file=sys.stderr)
    return 1 if too_big else 0


def _place(home: Path) -> Place:
    bot, playground = _free_port(), _free_port()
    url = f"http://127.0.0.1:{bot}"
    return Place(
        home=home, host="127.0.0.1", bot_port=bot, playground_port=playground, public_url=url
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _take(place: Place) -> None:
    with _page(1400, CARD_SCALE) as chat:
        chat.goto(place.playground_url)
        card = _start(chat)
        # Far enough for a curve, and not yet over.
        expect(card).to_contain_text(re.compile(r"[5-9]\d %"), timeout=TRAINED_MS)
        card.screenshot(path=FOLDER / "card.png")
        expect(card).to_contain_text("Succeeded", timeout=TRAINED_MS)
        found = RUN_ID.search(card.inner_text())
        run_id = found.group() if found else ""
    with _page(980, PAGE_SCALE) as page:
        page.goto(f"{place.public_url}/runs/{run_id}?theme=light")
        page.get_by_label("You act as").select_option(index=1)  # else its buttons are grey
        expect(page.get_by_text("Goal reached").first).to_be_visible()
        expect(page.locator("[role='status']")).to_have_count(0)
        page.screenshot(path=FOLDER / "run-page.png")


@contextlib.contextmanager
def _page(height: int, scale: float) -> Iterator[Page]:
    arguments = [ONLY_LOOPBACK, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        size = ViewportSize(width=1280, height=height)
        page = browser.new_page(viewport=size, device_scale_factor=scale)
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def _start(chat: Page) -> Locator:
    """Ask for the sample run in the personal chat and press Start; return its progress card."""
    chat.get_by_text("Personal Chat", exact=True).first.click()
    chat.locator("[data-lexical-editor=true]").first.click()
    chat.keyboard.type("train tiny-sft")
    chat.keyboard.press("Enter")
    cards = chat.locator(".ac-adaptiveCard")
    cards.filter(has_text="Plan: tiny-sft").get_by_role("button", name="Start").click()
    return cards.filter(has_text="asked by").last


if __name__ == "__main__":
    sys.exit(main())
