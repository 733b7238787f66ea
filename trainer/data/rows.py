"""What one row of data may look like, and the check that turns a parsed one into ours."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ROLES = ("system", "user", "assistant", "tool")
SHAPES = "`messages`, `prompt` and `completion`, `question` and `answer`, or `text`"
PAIRS = (("prompt", "completion"), ("question", "answer"))


class RowError(ValueError):
    """A row is not usable; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns of a talk that ends with the assistant's answer; `line` is where it came from."""

    messages: tuple[Message, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """Running text; `line` is where it began."""

    text: str
    line: int = 0


Row = Conversation | Document


@dataclass(frozen=True)
class Kinds:
    """The kinds of rows that a method learns from, and what to say of the others."""

    taken: tuple[type[Row], ...]
    refused: Mapping[type[Row], str]

    def check(self, row: Row) -> None:
        """Raise `RowError` for a row that the method cannot learn from."""
        if not isinstance(row, self.taken):
            raise RowError(self.refused[type(row)])


def parse_row(value: Any, line: int) -> Row:
    """Return the row that `value` (parsed JSON) stands for. Raises `RowError`."""
    if not isinstance(value, Mapping):
        raise RowError(f"expected an object with {SHAPES}; found {_shown(value)}")
    if value.get("messages") is not None:
        return _conversation(value["messages"], line)
    for asked, answered in PAIRS:
        if asked in value and answered in value:
            question = Message("user", _text(value, asked))
            return Conversation((question, Message("assistant", _text(value, answered))), line)
        if asked in value or answered in value:
            missing = answered if asked in value else asked
            raise RowError(f"expected `{asked}` with `{answered}`; `{missing}` is missing")
    if "text" in value:
        return Document(_text(value, "text"), line)
    keys = ", ".join(f"`{key}`" for key in list(value)[:8]) or "no keys"
    raise RowError(f"expected {SHAPES}; found {keys}")


def question_and_answer(question: str, answer: str, line: int = 0) -> Conversation:
    """Return the smallest conversation."""
    return Conversation((Message("user", question), Message("assistant", answer)), line)


def row_hash(row: Row) -> str:
    """Return the sha256 of what the row says, whatever file and line it came from."""
    return hashlib.sha256(row_json(row).encode()).hexdigest()


def row_json(row: Row) -> str:
    """Return the row as one line of JSON, in the form that `parse_row` reads."""
    if isinstance(row, Document):
        return json.dumps({"text": row.text}, ensure_ascii=False)
    turns = [{"role": m.role, "content": m.content} for m in row.messages]
    return json.dumps({"messages": turns}, ensure_ascii=False)


def _conversation(value: Any, line: int) -> Conversation:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise RowError(f"`messages` must be a list; found {_shown(value)}")
    messages = tuple(_message(turn, place) for place, turn in enumerate(value, 1))
    if not messages:
        raise RowError("`messages` is empty; expected at least a question and an answer")
    if messages[-1].role != "assistant":
        raise RowError(
            f"the last message must be the assistant's answer; found role {messages[-1].role!r}"
        )
    return Conversation(messages, line)


def _message(value: Any, place: int) -> Message:
    if not isinstance(value, Mapping) or "role" not in value or "content" not in value:
        raise RowError(f"message {place} must have `role` and `content`; found {_shown(value)}")
    if value["role"] not in ROLES:
        raise RowError(f"message {place} has role {value['role']!r}; expected {', '.join(ROLES)}")
    content = value["content"]
    if not isinstance(content, str):
        raise RowError(f"message {place}: `content` must be text; found {_shown(content)}")
    if not content.strip():
        raise RowError(f"message {place} ({value['role']}) is empty")
    return Message(value["role"], content)


def _text(value: Mapping[str, Any], key: str) -> str:
    found = value[key]
    if not isinstance(found, str):
        raise RowError(f"`{key}` must be text; found {_shown(found)}")
    if not found.strip():
        raise RowError(f"`{key}` is empty")
    return found


def _shown(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    if value is None:
        return "null"
    return names.get(type(value), "a number" if isinstance(value, int | float) else "another type")
