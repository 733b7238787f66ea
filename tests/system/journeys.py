"""What journeys through the real product share: where it is, what a person does in chat."""

import json
import os
import re
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from bot.demo import Place
from bot.domain.people import Person
from bot.settings import DEFAULTS, load_people

PEOPLE = load_people(DEFAULTS / "people.yaml")
RUN_ID = re.compile(r"run-\d{8}-[a-z2-7]{6}")
PATIENCE_MS = 15_000
# urllib's own opener keeps the proxy that was set when anybody first used it, e.g. a twin's.
LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))

expect.set_options(timeout=PATIENCE_MS)


@dataclass(frozen=True)
class QuickPlace(Place):
    """A product whose jobs only write a trainer's progress, one step in 0.15 s, without torch."""

    @property
    def environment(self) -> dict[str, str]:
        quick = Path(__file__).parent / "quick" / "train.yml"
        times = {"KRSP_SWEEP_S": "0.3", "KRSP_CARD_EVERY_S": "2", "KRSP_STOP_GRACE_S": "5"}
        return {**super().environment, **times, "KRSP_PIPELINE_FILE": str(quick)}


@dataclass(frozen=True)
class Chat:
    """A browser page with the Playground in it, and what a person does there."""

    page: Page
    place: Place

    def open(self, conversation: str) -> None:
        """Choose a conversation: `Personal Chat`, `Thesis group`, `General` or `Training`."""
        self.page.get_by_text(conversation, exact=True).first.click()

    def say(self, text: str, *, mention: bool = True) -> None:
        """Type and send; with `mention` the bot is chosen from the list that `@` opens."""
        box = self.page.locator("[data-lexical-editor=true]").first
        box.click()
        if mention:
            self.page.keyboard.type("@")
            self.page.get_by_role("menuitem").get_by_text("KRSP", exact=True).click()
            text = f" {text}"
        self.page.keyboard.type(text)
        # A channel has the button Post; chats send on Enter.
        post = self.page.get_by_role("button", name="Post")
        if post.count():
            post.first.click()
        else:
            self.page.keyboard.press("Enter")

    def cards(self, text: str | re.Pattern[str]) -> Locator:
        """Return the cards that have `text` in them, oldest first."""
        return self.page.locator(".ac-adaptiveCard").filter(has_text=text)

    def card(self, text: str | re.Pattern[str]) -> Locator:
        """Return the newest card that has `text` in it."""
        return self.cards(text).last

    def press(self, card: Locator, button: str) -> None:
        card.get_by_role("button", name=button, exact=True).click()

    def run_of(self, card: Locator) -> str:
        """Return the id of the run that a card is about."""
        expect(card).to_contain_text(RUN_ID)
        found = RUN_ID.search(card.inner_text())
        assert found is not None
        return found.group()


def get(place: Place, path: str) -> Any:
    """Return what the bot's REST interface answers."""
    with LOOPBACK.open(place.bot_url + path, timeout=30) as answer:
        return json.load(answer)


def post_as(place: Place, person: Person, where: str, activity: dict[str, Any]) -> None:
    """Post an activity of `person` in the Playground's conversation `where` to the bot.

    The Playground lets one person act; so this speaks for the second as the Playground would.
    """
    body = {
        "id": os.urandom(8).hex(),
        "channelId": "msteams",
        "serviceUrl": f"{place.playground_url}/_connector",
        "from": {"id": f"29:{person.id}", "name": person.name, "aadObjectId": person.id},
        "recipient": {"id": "28:krsp", "name": "KRSP"},
        "conversation": {"id": where, "conversationType": "groupChat", "tenantId": person.tenant},
        "channelData": {"tenant": {"id": person.tenant}},
        **activity,
    }
    request = urllib.request.Request(  # noqa: S310 - loopback, see Place
        f"{place.bot_url}/api/messages",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with LOOPBACK.open(request, timeout=30) as answer:
        assert answer.status == 200
