"""Recognise the format of a row by its columns, and turn it into a row of ours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from trainer.data.rows import (
    ANY,
    Conversation,
    Document,
    Kinds,
    Labelled,
    Message,
    Messages,
    Pair,
    Prompt,
    Row,
    RowError,
    Tools,
)
from trainer.data.turns import check_last, check_order, read_messages, read_tools, shown

Columns = Mapping[str, Any]
# Columns that only make sense together: one alone is named as the fault.
_TOGETHER = (
    ("prompt", "completion"),
    ("question", "answer"),
    ("instruction", "output"),
    ("chosen", "rejected"),
)
# What may hold the question of a pair or of a prompt, in the order in which they are believed.
_ASKED = ("prompt", "question", "problem", "instruction", "messages", "conversations")


@dataclass(frozen=True)
class Format:
    """A way to write a conversation; a row has it when all of `columns` are there."""

    name: str
    columns: tuple[str, ...]
    read: Callable[[Columns], tuple[Messages, Messages]]  # prompt, completion

    def fits(self, columns: tuple[str, ...]) -> bool:
        """Return whether a row with these columns has every one of this format."""
        return all(column in columns for column in self.columns)


def parse_row(value: Any, line: int, kinds: Kinds = ANY, where: str = "") -> Row:
    """Return the row that `value` (parsed JSON) stands for, of a kind in `kinds`.

    Columns that belong to no format are left alone. Raises `RowError` for a row that has two
    formats of the kinds wanted, none, or something wrong in it.
    """
    if not isinstance(value, Mapping):
        raise RowError(f"expected an object with {kinds.shapes}; found {shown(value)}")
    # A bad answer must never be learned as a good one, so a label counts whatever is wanted.
    is_labelled = isinstance(value.get("label"), bool)
    found = _recognised(
        _columns(value), is_labelled=is_labelled, wants_prompt=Prompt in kinds.taken
    )
    wanted = [(name, kind) for name, kind in found if kind in kinds.taken]
    if len(wanted) > 1:
        names = " and ".join(name for name, _ in wanted)
        raise RowError(f"the row mixes two formats, {names}; keep the columns of one")
    if wanted:
        return _READ[wanted[0][1]](value, line, where)
    if found:
        raise RowError(kinds.refusal(found[0][1]))
    raise RowError(_unknown(value, kinds))


def _columns(value: Columns) -> tuple[str, ...]:
    """Return the columns that the row has. A null one is not there."""
    return tuple([column for column, one in value.items() if one is not None])


# The rows of a file have few different sets of columns, and looking through all formats for each
# row took a third of the time of reading.
@lru_cache(256)
def _recognised(
    columns: tuple[str, ...], *, is_labelled: bool, wants_prompt: bool
) -> tuple[tuple[str, type[Row]], ...]:
    """Return (format, kind) for each format that a row with these columns has."""
    if wants_prompt and any(column in columns for column in _ASKED):
        return (("a prompt", Prompt),)
    found: list[tuple[str, type[Row]]] = []
    if "chosen" in columns and "rejected" in columns:
        found.append(("`chosen` with `rejected`", Pair))
    kind: type[Row] = Labelled if is_labelled else Conversation
    found += [(one.name, kind) for one in CONVERSATIONS if one.fits(columns)]
    if "text" in columns:
        found.append(("`text`", Document))
    return tuple(found)


@lru_cache(256)
def _first_format(columns: tuple[str, ...]) -> Format:
    return next(one for one in CONVERSATIONS if one.fits(columns))


def _unknown(value: Columns, kinds: Kinds) -> str:
    for pair in _TOGETHER if kinds.taken != (Pair,) else (("chosen", "rejected"),):
        for here, there in (pair, pair[::-1]):
            if value.get(here) is not None and there in value:
                return f"`{there}` must be text; found null"
            if here in value and there not in value:
                return f"expected `{here}` with `{there}`; `{there}` is missing"
    keys = ", ".join(f"`{key}`" for key in list(value)[:8]) or "no keys"
    return f"expected {kinds.shapes}; found {keys}"


def _conversation(value: Columns, line: int, where: str) -> Conversation:
    prompt, completion = _talk(value)
    return Conversation(prompt + completion, line, _tools(value), where)


def _labelled(value: Columns, line: int, where: str) -> Labelled:
    prompt, completion = _talk(value)
    return Labelled(prompt, completion, value["label"], line, _tools(value), where)


def _talk(value: Columns) -> tuple[Messages, Messages]:
    prompt, completion = _first_format(_columns(value)).read(value)
    check_order(prompt + completion)
    return prompt, completion


def _document(value: Columns, line: int, where: str) -> Document:
    return Document(_text(value, "text"), line, where)


def _pair(value: Columns, line: int, where: str) -> Pair:
    chosen, rejected = (
        _messages_or_text(value, name, "assistant") for name in ("chosen", "rejected")
    )
    prompt = _asked(value) if any(value.get(column) is not None for column in _ASKED) else ()
    if prompt and prompt[-1].role == "assistant":  # The whole talk, as some sets have it.
        prompt = prompt[:-1]
    if len(chosen) > 1 and len(rejected) > 1:
        prompt, chosen, rejected = _apart(prompt, chosen, rejected)
    if not prompt:
        raise RowError("`prompt` is missing, and `chosen` and `rejected` share no first message")
    for name, answer in (("chosen", chosen), ("rejected", rejected)):
        check_order(prompt + answer)
        check_last(answer, name)
    if chosen == rejected:
        raise RowError("`chosen` and `rejected` are equal, so neither is better")
    return Pair(prompt, chosen, rejected, line, _tools(value), where)


def _apart(
    prompt: Messages, chosen: Messages, rejected: Messages
) -> tuple[Messages, Messages, Messages]:
    """Return the pair with what both talks begin with moved to the prompt.

    A prompt given besides repeats that beginning, or comes before it.
    """
    shortest = min(len(chosen), len(rejected)) - 1
    shared = 0
    while shared < shortest and chosen[shared] == rejected[shared]:
        shared += 1
    begin = chosen[:shared]
    if prompt and begin[-len(prompt) :] == prompt:
        prompt = ()
    return prompt + begin, chosen[shared:], rejected[shared:]


def _messages_or_text(value: Columns, column: str, role: str) -> Messages:
    """Return the column's messages; a single one, or a text by `role`, is enough."""
    found = value[column]
    if isinstance(found, Mapping):
        return read_messages([found], column)
    if isinstance(found, list):
        return read_messages(found, column)
    return (Message(role, _text(value, column)),)


def _prompt(value: Columns, line: int, where: str) -> Prompt:
    column = next(column for column in _ASKED if value.get(column) is not None)
    messages, answered = _asked(value), {}
    if messages[-1].role == "assistant":
        messages, answered = messages[:-1], {"completion": messages[-1].content}
    if not messages:
        raise RowError(f"`{column}` has no question")
    check_order(messages)
    used = {column, "tools", "system"} | ({"input"} if column == "instruction" else set())
    rest = {name: one for name, one in value.items() if name not in used}
    return Prompt(messages, answered | rest, line, _tools(value), where)


def _asked(value: Columns) -> Messages:
    """Return the messages of whichever column asks, the system's first."""
    column = next(column for column in _ASKED if value.get(column) is not None)
    if not isinstance(value[column], str):
        return _after_system(value, read_messages(value[column], column))
    text = _instruction(value) if column == "instruction" else _text(value, column)
    return _after_system(value, (Message("user", text),))


def _after_system(value: Columns, messages: Messages) -> Messages:
    """Return the messages behind what column `system` says, unless they have their own."""
    found = value.get("system")
    if not isinstance(found, str) or not found.strip() or messages[0].role == "system":
        return messages
    return (Message("system", found), *messages)


def _of_messages(column: str) -> Callable[[Columns], tuple[Messages, Messages]]:
    def read(value: Columns) -> tuple[Messages, Messages]:
        messages = _after_system(value, read_messages(value[column], column))
        check_last(messages, column)
        return messages[:-1], messages[-1:]

    return read


def _of_columns(asked: str, answered: str) -> Callable[[Columns], tuple[Messages, Messages]]:
    def read(value: Columns) -> tuple[Messages, Messages]:
        prompt = _after_system(value, _messages_or_text(value, asked, "user"))
        completion = _messages_or_text(value, answered, "assistant")
        check_last(completion, answered)
        return prompt, completion

    return read


def _of_alpaca(value: Columns) -> tuple[Messages, Messages]:
    history = value.get("history") or []
    before: list[Message] = []
    for number, pair in enumerate(history, 1):
        if not isinstance(pair, list) or [type(one) for one in pair] != [str, str]:
            raise RowError(f"entry {number} of `history` must be a question and an answer")
        before += [Message("user", pair[0]), Message("assistant", pair[1])]
    asked = (*before, Message("user", _instruction(value)))
    return _after_system(value, asked), (Message("assistant", _text(value, "output")),)


def _instruction(value: Columns) -> str:
    text, more = _text(value, "instruction"), value.get("input")
    return f"{text}\n\n{_text(value, 'input')}" if more else text


def _tools(value: Columns) -> Tools:
    return read_tools(value["tools"]) if value.get("tools") is not None else ()


def _text(value: Columns, column: str) -> str:
    found = value[column]
    if not isinstance(found, str):
        raise RowError(f"`{column}` must be text; found {shown(found)}")
    if not found.strip():
        raise RowError(f"`{column}` is empty")
    return found


CONVERSATIONS = (
    Format("`messages`", ("messages",), _of_messages("messages")),
    Format("ShareGPT's `conversations`", ("conversations",), _of_messages("conversations")),
    Format("`prompt` with `completion`", _TOGETHER[0], _of_columns(*_TOGETHER[0])),
    Format("`question` with `answer`", _TOGETHER[1], _of_columns(*_TOGETHER[1])),
    Format("Alpaca's `instruction` with `output`", ("instruction", "output"), _of_alpaca),
)
_READ: Mapping[type[Row], Callable[[Columns, int, str], Row]] = {
    Conversation: _conversation,
    Document: _document,
    Pair: _pair,
    Labelled: _labelled,
    Prompt: _prompt,
}
