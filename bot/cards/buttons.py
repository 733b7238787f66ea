"""Buttons: each Action.Execute with an Action.Submit of the same data for clients without it."""

from typing import Any

from microsoft_teams.cards import (
    AdaptiveCard,
    CardElement,
    ExecuteAction,
    OpenUrlAction,
    ShowCardAction,
    SubmitAction,
)
from microsoft_teams.cards.core import ActionStyle

from bot.cards.escape import flat, plain

# Teams draws six buttons; more are lost.
MOST = 6


def press(title: str, data: dict[str, Any], style: ActionStyle | None = None) -> ExecuteAction:
    """Return a button that sends `data` and the card's inputs; `data["action"]` is its verb.

    No entry may be called `key`: in the Agents Playground such a button does nothing (clients write
    their own state there, "Cannot assign to read only property 'key'").
    """
    shown = plain(title, 40)
    return ExecuteAction(
        title=shown,
        verb=data["action"],
        data=data,
        style=style,
        fallback=SubmitAction(title=shown, data=dict(data), style=style),
    )


def say(text: str) -> ExecuteAction:
    """Return a button that says `text` for the person, as if it had been typed."""
    return press(text, {"action": "say", "text": flat(text)})


def open_page(url: str, title: str = "Open run") -> OpenUrlAction:
    """Return a link to a page of the web client."""
    return OpenUrlAction(title=title, url=url)


def unfold(title: str, body: list[CardElement], action: ExecuteAction) -> ShowCardAction:
    """Return a button that asks once more, or for a reason, before `action` can be pressed."""
    return ShowCardAction(
        title=title, card=AdaptiveCard(version="1.5", body=body, actions=[action])
    )
