"""The real product in child processes, and a browser that looks at it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bot.demo import Place, serve_bot, serve_playground
from tests.system.journeys import PATIENCE_MS, PEOPLE, Chat, QuickPlace

# Nothing outside this machine may be looked up, not even the Playground's fonts.
ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


@pytest.fixture(scope="session")
def ports(free_port: Callable[[], int]) -> Callable[[], dict[str, Any]]:
    """Return a function that returns what a `Place` needs to know of its ports."""

    def choose() -> dict[str, Any]:
        bot, playground = free_port(), free_port()
        url = f"http://127.0.0.1:{bot}"
        return {
            "host": "127.0.0.1",
            "bot_port": bot,
            "playground_port": playground,
            "public_url": url,
        }

    return choose


@pytest.fixture(scope="session")
def product(
    tmp_path_factory: pytest.TempPathFactory, ports: Callable[[], dict[str, Any]]
) -> Iterator[Place]:
    """Return where bot, pages and Playground are served, all but the trainer being real."""
    place = QuickPlace(home=tmp_path_factory.mktemp("quick"), **ports())
    with serve_bot(place), serve_playground(place, PEOPLE):
        yield place


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Return a browser; for one module, since its event loop lets no asynchronous test run."""
    arguments = [ONLY_LOOPBACK, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


@pytest.fixture
def chat(context: BrowserContext, product: Place) -> Chat:
    page = context.new_page()
    page.goto(product.playground_url)
    return Chat(page, product)
