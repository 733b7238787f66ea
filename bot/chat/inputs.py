"""What a click brings: values of a card that anybody may have changed on the way."""

from collections.abc import Mapping
from typing import Any

from bot.chat import words
from bot.errors import InputError


def read_input(action: Mapping[str, Any], key: str, most: int) -> str:
    """Return a value as trimmed text. Raises `InputError` for another kind, or beyond `most`."""
    value = action.get(key, "")
    if not isinstance(value, str | int | float) or len(str(value)) > most:
        raise InputError(words.BAD_CLICK)
    return str(value).strip()
