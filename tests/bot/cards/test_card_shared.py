"""The card of a run that somebody shares elsewhere: Adaptive Cards 1.3, and it orders nothing."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.cards.card import Links
from bot.cards.shared import shared_card
from bot.domain.posts import RunPost
from tests.bot.cards.samples import POSTS

LINKS = Links("https://krsp.example.com")
RUNS = {name: post.run for name, post in POSTS.items() if isinstance(post, RunPost)}
# What came with 1.4 or later, or is Teams' own: https://adaptivecards.io/explorer/
NEWER = {"Action.Execute", "Table", "Badge", "ProgressBar", "CompoundButton", "Icon"}

each = pytest.mark.parametrize("name", RUNS)


def types(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(types, node))
    if not isinstance(node, dict):
        return set()
    own = {node["type"]} if isinstance(node.get("type"), str) else set()
    return own.union(*map(types, node.values()))


@each
def test_it_uses_nothing_newer_than_1_3(name: str) -> None:
    body = shared_card(RUNS[name], LINKS).card.body
    assert body["version"] == "1.3"
    used = types(body)
    assert not {kind for kind in used if kind in NEWER or kind.startswith("Chart.")}


@each
def test_it_is_valid(name: str, repository: Path) -> None:
    schema = repository.parent / "shared/reference/teams/adaptive-card-1.5.0.json"
    if not schema.exists():
        pytest.skip("Microsoft's schema is not here")
    body = {**shared_card(RUNS[name], LINKS).card.body}
    body.pop("msteams")
    jsonschema.Draft6Validator(json.loads(schema.read_text())).validate(body)


@each
def test_its_only_button_opens_the_page(name: str) -> None:
    run = RUNS[name]
    actions = shared_card(run, LINKS).card.body["actions"]
    assert [(a["type"], a["url"]) for a in actions] == [("Action.OpenUrl", LINKS.run(run.id))]


@each
def test_its_line_in_a_list_of_results_is_short(name: str) -> None:
    shared = shared_card(RUNS[name], LINKS)
    assert 0 < len(shared.title) <= 80
    assert 0 < len(shared.text) <= 160
