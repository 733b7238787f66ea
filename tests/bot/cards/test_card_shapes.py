"""Every post in every state is a card that Teams takes: schema, models, size, fallbacks, texts."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from microsoft_teams.cards import AdaptiveCard
from microsoft_teams.cards.core import SerializableObject

from bot.cards import Card, render
from bot.cards.elements import sentence
from bot.cards.frame import card, size
from bot.domain.posts import POST, post_json
from tests.bot.cards.samples import LINKS, POSTS

EACH = pytest.mark.parametrize("name", POSTS)
# What Teams draws beyond Adaptive Cards 1.5; each must bring a fallback that is 1.5.
TEAMS_ONLY = frozenset({"Chart.Line", "ProgressBar"})
# Teams takes about 100 KB for the whole activity.
LARGEST = 80_000
DATE = re.compile(r"\{\{(?:DATE|TIME)\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ(?:,SHORT)?\)\}\}")
LIVE = re.compile(r"\{\{|</?at\b|\]\(|[\x00-\x08\x1b\u202e]", re.IGNORECASE)


@cache
def drawn_as(name: str) -> Card:
    return render(POSTS[name], LINKS)


def parts(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a card, fallbacks and cards inside buttons included."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from parts(item)


def of_type(drawn: Card, *types: str) -> list[dict[str, Any]]:
    return [part for part in parts(drawn.body) if part.get("type") in types]


@EACH
def test_a_card_is_json_without_nan_and_below_the_limit_of_teams(name: str) -> None:
    drawn = drawn_as(name)
    json.dumps(drawn.body, allow_nan=False).encode()
    assert size(drawn.body) <= LARGEST


@EACH
def test_a_card_is_drawn_from_its_stored_post_as_from_the_fresh_one(name: str) -> None:
    stored = POST.validate_python(json.loads(json.dumps(post_json(POSTS[name]))))
    assert render(stored, LINKS).body == drawn_as(name).body


@EACH
def test_a_card_is_adaptive_cards_1_5(name: str, repository: Path) -> None:
    validator = schema(repository.parent / "shared/reference/teams/adaptive-card-1.5.0.json")
    faults = [
        f"{list(error.absolute_path)}: {error.message[:200]}"
        for top in validator.iter_errors(plain_1_5(drawn_as(name).body))
        for error in deepest(top)
    ]
    assert not faults


@cache
def schema(path: Path) -> jsonschema.Draft6Validator:
    if not path.exists():
        pytest.skip("Microsoft's schema is not here")
    return jsonschema.Draft6Validator(json.loads(path.read_text()))


def plain_1_5(node: Any) -> Any:
    """Return the card as a client without Teams' own elements sees it."""
    if isinstance(node, list):
        return [plain_1_5(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in TEAMS_ONLY:
        return plain_1_5(node["fallback"])
    return {key: plain_1_5(value) for key, value in node.items() if key != "msteams"}


def deepest(error: jsonschema.ValidationError) -> list[jsonschema.ValidationError]:
    """Return the causes inside an `anyOf`: those that lie deepest tell what is wrong."""
    if not error.context:
        return [error]
    inner = [cause for part in error.context for cause in deepest(part)]
    depth = max(len(cause.absolute_path) for cause in inner)
    return [cause for cause in inner if len(cause.absolute_path) == depth]


@EACH
def test_the_models_of_teams_know_every_property(name: str) -> None:
    body = drawn_as(name).body
    read = AdaptiveCard.model_validate(body)
    assert read.model_dump(exclude_none=True) == body
    for part in parts(body):
        model = MODELS.get(part.get("type", ""))
        if model is not None:
            assert not model.model_validate(part).model_extra, part


def _models() -> dict[str, type[SerializableObject]]:
    found: dict[str, type[SerializableObject]] = {}
    todo: list[type[SerializableObject]] = [SerializableObject]
    while todo:
        model = todo.pop()
        todo += model.__subclasses__()
        name = model.model_fields.get("type")
        if name is not None and isinstance(name.default, str):
            found[name.default] = model
    return found


MODELS = _models()


@EACH
def test_every_button_works_in_clients_without_execute(name: str) -> None:
    for action in of_type(drawn_as(name), "Action.Execute"):
        fallback = action["fallback"]
        assert fallback["type"] == "Action.Submit"
        assert fallback["data"] == action["data"]
        assert fallback["title"] == action["title"]
        assert action["verb"] == action["data"]["action"]
        # Clients keep a state of their own under this name, and a button with it does nothing.
        assert "key" not in action["data"]


@EACH
def test_a_card_has_at_most_six_buttons_and_one_of_them_stands_out(name: str) -> None:
    for holder in of_type(drawn_as(name), "AdaptiveCard", "ActionSet"):
        actions = holder.get("actions", [])
        assert len(actions) <= 6
        assert sum(action.get("style") == "positive" for action in actions) <= 1
        assert all(0 < len(action["title"]) <= 45 for action in actions)


@EACH
def test_what_teams_alone_draws_has_a_form_in_text(name: str) -> None:
    for part in of_type(drawn_as(name), *TEAMS_ONLY):
        assert part["fallback"]["type"] == "RichTextBlock"
        assert "".join(run["text"] for run in part["fallback"]["inlines"]).strip()


@EACH
def test_a_chart_says_in_words_what_it_shows(name: str) -> None:
    for chart in of_type(drawn_as(name), "Chart.Line"):
        assert re.match(r"Loss \S+ at step", chart["title"])


@EACH
def test_text_blocks_wrap_and_hold_only_our_own_words(name: str) -> None:
    """Markdown is read in a TextBlock: people's words never stand in one, but for the mention."""
    drawn = drawn_as(name)
    mentions = [f"<at>{mention.name}</at>" for mention in drawn.mentions]
    for block in of_type(drawn, "TextBlock"):
        assert block["wrap"] is True
        if block["text"] in mentions:
            continue
        assert "evil" not in block["text"]
        assert "wide" not in block["text"]


@EACH
def test_no_text_holds_anything_that_a_client_obeys(name: str) -> None:
    drawn = drawn_as(name)
    ours = {f"<at>{mention.name}</at>" for mention in drawn.mentions}
    for part in parts(drawn.body):
        for key in ("text", "title", "label", "placeholder", "errorMessage", "fallbackText"):
            text = part.get(key, "")
            # What `say` sends is data, and an entity's text is the mention itself.
            if "action" in part or text in ours:
                continue
            assert not LIVE.search(DATE.sub("", text)), (key, text)
    assert not LIVE.search(drawn.summary)


@EACH
def test_links_lead_to_our_own_pages_only(name: str) -> None:
    for action in of_type(drawn_as(name), "Action.OpenUrl"):
        assert re.match(r"http://127\.0\.0\.1:3978/(runs|models)\b", action["url"])


@EACH
def test_a_toast_is_one_line_that_fits(name: str) -> None:
    summary = drawn_as(name).summary
    assert 0 < len(summary.replace("\u200b", "")) <= 160
    assert "\n" not in summary


@EACH
def test_inputs_have_labels_and_words_for_a_fault(name: str) -> None:
    for part in parts(drawn_as(name).body):
        if str(part.get("type", "")).startswith("Input."):
            assert part["label"]
            assert part["errorMessage"]


def test_a_card_too_large_for_teams_loses_its_end_and_says_so() -> None:
    body = [sentence(f"{number} {'x' * 1_900}") for number in range(100)]
    drawn = card("much", body)
    assert size(drawn.body) <= LARGEST
    assert drawn.body["body"][0]["inlines"][0]["text"].startswith("0 ")
    assert "does not fit" in drawn.body["body"][-1]["inlines"][0]["text"]
