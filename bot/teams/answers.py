"""What an invoke is answered with; the outcome is in the body, HTTP says 200.

https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format
"""

from collections.abc import Mapping, Sequence
from typing import Any

CARD = "application/vnd.microsoft.card.adaptive"
MESSAGE = "application/vnd.microsoft.activity.message"
ERROR = "application/vnd.microsoft.error"


def card(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer that puts `body` in the place of the clicked card."""
    return {"statusCode": 200, "type": CARD, "value": dict(body)}


def message(text: str) -> dict[str, Any]:
    """Return the answer that leaves the card and tells the one who clicked."""
    return {"statusCode": 200, "type": MESSAGE, "value": text}


def error(status: int, code: str, text: str) -> dict[str, Any]:
    """Return the answer that says what went wrong; the client keeps the card."""
    return {"statusCode": status, "type": ERROR, "value": {"code": code, "message": text}}


def results(attachments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what a search found, or what a link unfolds into; nothing leaves the link a link."""
    found = {"type": "result", "attachmentLayout": "list", "attachments": [*attachments]}
    return {"composeExtension": found}


def hint(text: str) -> dict[str, Any]:
    """Return a line for the search box, in the place of results."""
    return {"composeExtension": {"type": "message", "text": text}}
