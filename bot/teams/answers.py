"""What an invoke is answered with; the outcome is in the body, HTTP says 200.

https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format
"""

from collections.abc import Mapping
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
