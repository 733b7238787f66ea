"""What a connector's refusal means for a message: wait, give the thread up, or never know."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bot.errors import DeliveryError, DeliveryUnknownError, ThreadGoneError, ThrottledError

_GONE_403 = {
    "BotNotInConversationRoster",
    "BotDisabledByAdmin",
    "ConversationBlockedByUser",
    "MessageWritesBlocked",
}
_GONE_404 = {"ConversationNotFound"}
_CODE_KEYS = {"code", "subcode", "errorcode"}

_BUSY_S = 1.0  # 412: another operation on the conversation is under way
_THROTTLED_S = 5.0  # 429 without Retry-After
_LONGEST_S = 3600.0
_DEPTH = 6  # codes were seen three JSON strings deep


@dataclass(frozen=True)
class Refusal:
    """A connector's answer that is no success."""

    status: int
    body: bytes
    retry_after: str | None
    is_edit: bool


def meaning(refusal: Refusal, now: datetime, jitter: float) -> DeliveryError:
    """Return the error to raise. `jitter`, 0 to 1, lengthens a wait by up to half."""
    codes = set(_codes(refusal.body.decode("utf-8", "replace")))
    if _is_gone(refusal.status, codes):
        return ThreadGoneError(f"The conversation refuses the bot ({', '.join(sorted(codes))}).")
    wait_s = _wait_s(refusal, now)
    if wait_s is not None:
        return ThrottledError(
            f"The channel asks to wait (HTTP {refusal.status}).", wait_s * (1 + jitter / 2)
        )
    return DeliveryUnknownError(f"The channel answered HTTP {refusal.status}.")


def _is_gone(status: int, codes: set[str]) -> bool:
    return bool((status == 403 and codes & _GONE_403) or (status == 404 and codes & _GONE_404))


def _wait_s(refusal: Refusal, now: datetime) -> float | None:
    """Return the seconds to wait where the message was certainly not taken, or may be repeated."""
    if refusal.status == 429:
        return _retry_after_s(refusal.retry_after, now)
    if refusal.status == 412:
        return _BUSY_S
    # A token that is not accepted is looked at before the message is.
    if refusal.status == 401 or (refusal.is_edit and refusal.status >= 500):
        return _THROTTLED_S
    return None


def _retry_after_s(header: str | None, now: datetime) -> float:
    """Read seconds or an HTTP date (RFC 9110 10.2.3)."""
    if header is None:
        return _THROTTLED_S
    try:
        wait_s = float(header)
    except ValueError:
        try:
            wait_s = (parsedate_to_datetime(header) - now).total_seconds()
        except (ValueError, TypeError):
            return _THROTTLED_S
    return min(max(wait_s, 0.0), _LONGEST_S)


def _codes(text: str, depth: int = _DEPTH) -> Iterator[str]:
    """Yield every error code; Teams hides some in a JSON string inside the JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from _codes_in(value, depth)


def _codes_in(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        return
    if isinstance(value, str):
        yield from _codes(value, depth - 1)
    elif isinstance(value, list):
        for item in value:
            yield from _codes_in(item, depth - 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key.lower() in _CODE_KEYS and isinstance(item, str):
                yield item
            yield from _codes_in(item, depth - 1)
