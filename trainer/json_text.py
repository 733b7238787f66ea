"""Parse JSON that anybody may have written: every fault is a sentence, and no key is lost."""

import json
from typing import Any


class JsonError(ValueError):
    """What is wrong with the text, in words; `line` counts from 1 inside of it."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


def parse_json(text: str) -> Any:
    """Return the value. Raises `JsonError`."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg} at column {error.colno}", error.lineno) from error
    except RecursionError as error:
        raise JsonError("it is nested too deeply") from error
    except _TwiceError as error:
        raise JsonError(str(error)) from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise JsonError("a number in it has too many digits") from error


class _TwiceError(ValueError):
    pass


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object; of a key that is there twice JSON would keep the last, silently."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _TwiceError(f"the key {twice[:40]!r} is there twice")
    return found
