"""What one row of data is to us: its kinds, and the text that it is compared by."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ROLES = ("system", "user", "assistant", "tool")


class RowError(ValueError):
    """A row is not usable; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `content` may be empty where the assistant calls tools.

    A call is `{"type": "function", "function": {"name", "arguments": {...}}, "id"?}`, the form
    that chat templates read.
    """

    role: str
    content: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    name: str | None = None  # of the tool that answers
    tool_call_id: str | None = None


Messages = tuple[Message, ...]
Tools = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Turns of a talk that ends with the assistant's answer.

    It came from `line` of `where`, such as `talks.jsonl, line` or `talks.parquet, row`.

    `tools` are those that the model may call, as JSON schemas of functions.
    """

    messages: Messages
    line: int = 0
    tools: Tools = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """Running text; `line` is where it began."""

    text: str
    line: int = 0
    where: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two continuations of a talk, each ending with the assistant: the better and the worse."""

    prompt: Messages
    chosen: Messages
    rejected: Messages
    line: int = 0
    tools: Tools = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A continuation of a talk that people judged: good or not."""

    prompt: Messages
    completion: Messages
    is_good: bool
    line: int = 0
    tools: Tools = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A talk that waits for an answer; `answer` has the row's other columns, for a reward."""

    prompt: Messages
    answer: Mapping[str, Any]
    line: int = 0
    tools: Tools = ()
    where: str = ""


Row = Conversation | Document | Pair | Labelled | Prompt

# What a file has for each kind, and what to call one that is found where another is wanted.
SHAPES: Mapping[type[Row], str] = {
    Conversation: "`messages`, `prompt` and `completion`, `question` and `answer`, "
    "Alpaca's `instruction` and `output`, or ShareGPT's `conversations`",
    Document: "`text`",
    Pair: "`prompt`, `chosen` and `rejected`",
    Labelled: "`prompt`, `completion` and `label` (true or false)",
    Prompt: "`prompt` (or `question`, `problem`, `messages`)",
}
NAMES: Mapping[type[Row], str] = {
    Conversation: "a conversation",
    Document: "`text` alone",
    Pair: "a preference pair",
    Labelled: "an answer with a label",
    Prompt: "a prompt",
}


@dataclass(frozen=True)
class Kinds:
    """The kinds of rows that a method learns from.

    `refused` has a sentence for kinds of which there is more to say than that they do not fit.
    """

    taken: tuple[type[Row], ...]
    refused: Mapping[type[Row], str] = field(default_factory=dict)

    @property
    def shapes(self) -> str:
        """Return what columns a row may have."""
        return ", or ".join(SHAPES[kind] for kind in self.taken)

    def check(self, row: Row) -> None:
        """Raise `RowError` for a row that the method cannot learn from."""
        if not isinstance(row, self.taken):
            raise RowError(self.refusal(type(row)))

    def refusal(self, kind: type[Row]) -> str:
        """Return what to say of a row of a kind that is not taken."""
        plain = f"expected {self.shapes}; found {NAMES[kind]}"
        return self.refused.get(kind, plain)


ANY = Kinds((Conversation, Document, Pair, Labelled))


def question_and_answer(question: str, answer: str, line: int = 0) -> Conversation:
    """Return the smallest conversation."""
    return Conversation((Message("user", question), Message("assistant", answer)), line)


def every_message(row: Row) -> Messages:
    """Return all messages of a row, those of both continuations of a pair; of a document none."""
    if isinstance(row, Document):
        return ()
    if isinstance(row, Conversation):
        return row.messages
    if isinstance(row, Pair):
        return row.prompt + row.chosen + row.rejected
    return row.prompt + row.completion if isinstance(row, Labelled) else row.prompt


def texts(row: Row) -> tuple[str, ...]:
    """Return every text that people wrote into the row."""
    if isinstance(row, Document):
        return (row.text,)
    return tuple(message.content for message in every_message(row))


def place(row: Row) -> str:
    """Return where the row came from, as a person looks it up."""
    return f"{row.where or 'line'} {row.line}"


def row_hash(row: Row) -> str:
    """Return the sha256 of what the row says, whatever file and line it came from."""
    return hashlib.sha256(row_json(row).encode()).hexdigest()


def row_json(row: Row) -> str:
    """Return the row as one line of JSON, in the form that `parse_row` reads."""
    return json.dumps(_body(row), ensure_ascii=False, default=str)


def turn(message: Message) -> dict[str, Any]:
    """Return the message as a chat template reads it: what it does not have is left out."""
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        found["tool_calls"] = list(message.tool_calls)
    if message.name is not None:
        found["name"] = message.name
    if message.tool_call_id is not None:
        found["tool_call_id"] = message.tool_call_id
    return found


def turns(messages: Messages) -> list[dict[str, Any]]:
    """Return messages as a chat template reads them."""
    return [turn(message) for message in messages]


def _body(row: Row) -> dict[str, Any]:
    if isinstance(row, Document):
        return {"text": row.text}
    if isinstance(row, Conversation):
        body: dict[str, Any] = {"messages": turns(row.messages)}
    elif isinstance(row, Pair):
        body = {
            "prompt": turns(row.prompt),
            "chosen": turns(row.chosen),
            "rejected": turns(row.rejected),
        }
    elif isinstance(row, Labelled):
        body = {
            "prompt": turns(row.prompt),
            "completion": turns(row.completion),
            "label": row.is_good,
        }
    else:
        body = {**row.answer, "prompt": turns(row.prompt)}
    return body | ({"tools": list(row.tools)} if row.tools else {})
