"""The real product in child processes, and a browser that looks at it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, sync_playwright

from bot.demo import Place, serve_bot, serve_playground
from bot.settings import Settings, load_people

# Nothing outside this machine may be looked up, not even the Playground's fonts.
ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"


@dataclass(frozen=True)
class Chat:
    """A browser page with the Playground in it, and what a person does there."""

    page: Page

    def open(self, place: str) -> None:
        """Choose a conversation: `Personal Chat`, `Thesis group`, `General` or `Training`."""
        self.page.get_by_text(place, exact=True).first.click()

    def say(self, text: str, *, mention: bool = True) -> None:
        """Type and send; with `mention` the bot is chosen from the list that `@` opens."""
        box = self.page.locator("[data-lexical-editor=true]").first
        box.click()
        if mention:
            self.page.keyboard.type("@")
            self.page.get_by_role("menuitem").get_by_text("KRSP", exact=True).click()
            text = f" {text}"
        self.page.keyboard.type(text)
        self.page.get_by_role("button", name="Post").click()

    def card(self, text: str) -> Locator:
        """Return the newest card that has `text` in it."""
        return self.page.locator(".ac-adaptiveCard").filter(has_text=text).last


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int]) -> Place:
    port = free_port()
    return Place(
        home=tmp_path_factory.mktemp("home"),
        host="127.0.0.1",
        bot_port=port,
        playground_port=free_port(),
        public_url=f"http://127.0.0.1:{port}",
    )


@pytest.fixture(scope="session")
def product(place: Place) -> Iterator[Place]:
    """Return where bot, pages and Playground are served."""
    people = load_people(Settings().people_file)
    with serve_bot(place), serve_playground(place, people):
        yield place


@pytest.fixture(scope="session")
def browser(chromium: Path) -> Iterator[Browser]:
    arguments = [ONLY_LOOPBACK, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def chat(context: BrowserContext, product: Place) -> Chat:
    page = context.new_page()
    page.goto(product.playground_url)
    return Chat(page)
