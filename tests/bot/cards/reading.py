"""What a person finds on a card: its texts, buttons and inputs."""

from typing import Any

from bot.cards import Card, render
from bot.domain.posts import Post
from tests.bot.cards.samples import LINKS


def texts(node: Any) -> list[str]:
    """Return what a person reads in a card, one string for each paragraph; fallbacks apart."""
    if isinstance(node, list):
        return [text for item in node for text in texts(item)]
    if not isinstance(node, dict):
        return []
    if node.get("type") == "RichTextBlock":
        return ["".join(run["text"] for run in node["inlines"])]
    own = [node[key] for key in ("text", "title", "label", "errorMessage") if key in node]
    return own + [t for key, value in node.items() if key != "fallback" for t in texts(value)]


def said(post: Post) -> str:
    return "\n".join(texts(render(post, LINKS).body["body"])).replace("\u00a0", " ")


def buttons(card: Card) -> dict[str, dict[str, Any]]:
    """Return the card's buttons by title, those inside others included."""
    found = {}
    todo = list(card.body.get("actions", []))
    todo += [a for e in card.body["body"] if e["type"] == "ActionSet" for a in e["actions"]]
    while todo:
        action = todo.pop()
        found[action["title"]] = action
        todo += action.get("card", {}).get("actions", [])
    return found


def inputs(card: Card) -> dict[str, dict[str, Any]]:
    return {e["id"]: e for e in card.body["body"] if e["type"].startswith("Input.")}


def sent_by(post: Post, title: str) -> dict[str, Any]:
    data: dict[str, Any] = buttons(render(post, LINKS))[title]["data"]
    return data
