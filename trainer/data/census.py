"""Count what a source has while it is read: lengths, turns, roles, equal rows, what looks wrong."""

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from trainer.data.broken import is_garbled
from trainer.data.lengths import CountTokens
from trainer.data.rows import Document, Prompt, Row, every_message, place, row_json, texts
from trainer.data.sensitive import sensitive

SHOWN_PLACES = 5
# Rows whose text is compared: two hashes of one row take 130 bytes while they are compared.
COMPARED_ROWS = 2_000_000
# English in a usual vocabulary has four to five characters a token, other text fewer: a row with
# more than this is very likely too long.
CHARACTERS_A_TOKEN = 5
COUNTED_AT_ONCE = 512
GARBLED = "text that looks read in a wrong encoding"
_WORDS = re.compile(r"\w+")


@dataclass
class Finding:
    """How many rows have something, and where the first of them are."""

    count: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, where: str) -> None:
        """Take note of one more row."""
        self.count += 1
        if self.count <= SHOWN_PLACES:
            self.places.append(where)


@dataclass
class Histogram:
    """Counts in classes that double: class n has the lengths from 2^(n-1) to 2^n - 1."""

    classes: Counter[int] = field(default_factory=Counter)
    count: int = 0
    total: int = 0
    longest: int = 0

    def add(self, length: int) -> None:
        """Count one length."""
        self.classes[length.bit_length()] += 1
        self.count += 1
        self.total += length
        self.longest = max(self.longest, length)

    def rows(self) -> list[tuple[int, int, int]]:
        """Return (from, to, count) for each class between the first and the last that has any."""
        if not self.classes:
            return []
        span = range(min(self.classes), max(self.classes) + 1)
        return [(1 << (n - 1) if n else 0, (1 << n) - 1, self.classes[n]) for n in span]


@dataclass
class SourceCensus:
    """What one source has. Equal rows are counted beyond the first of them."""

    uri: str
    sha256: str = ""
    format: str = ""
    rows: int = 0
    characters: Histogram = field(default_factory=Histogram)
    tokens: Histogram | None = None
    too_long: Finding = field(default_factory=Finding)
    turns: Histogram = field(default_factory=Histogram)
    roles: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    with_tools: int = 0
    duplicates: Finding = field(default_factory=Finding)
    alike: Finding = field(default_factory=Finding)
    warnings: dict[str, Finding] = field(default_factory=dict)

    def warn(self, name: str, where: str) -> None:
        """Take note of something that a person should look at."""
        self.warnings.setdefault(name, Finding()).add(where)


@dataclass
class Leaks:
    """Training rows that are also in what the model is judged by.

    Equal ones are not learned; those alike, that differ in case, spaces or punctuation alone, are.
    """

    equal: Finding = field(default_factory=Finding)
    alike: Finding = field(default_factory=Finding)


class Census:
    """What was read, by source. The source that the model is judged by is read first."""

    def __init__(self, max_length: int, count_tokens: CountTokens | None = None) -> None:
        self.max_length, self._count_tokens = max_length, count_tokens
        self._waiting: list[tuple[str, Row]] = []  # texts whose tokens are counted together
        self.sources: dict[str, SourceCensus] = {}
        self.leaks = Leaks()
        self.compared = 0
        self._seen: tuple[set[int], set[int]] = (set(), set())  # of training rows: equal, alike
        self._judged: tuple[set[int], set[int]] = (set(), set())
        self._alike: dict[str, array[int]] = {}

    def watch(self, name: str, uri: str, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass on the rows of a source, `eval` or one that is learned, counting each."""
        found = self.sources[name] = SourceCensus(uri)
        alike = self._alike[name] = array("q")
        for row in rows:
            pieces = texts(row)
            text = "\n".join(pieces)
            _count(found, row, text)
            self._measure(found, row, text)
            if self.compared < COMPARED_ROWS:
                keys = _equality(row, pieces), hash(normalised(text))
                self._compare(found, row, *keys, is_judged=name == "eval")
                alike.append(keys[1])
            yield row
        self._count_waiting(found)

    def judge(self, held_out: Iterable[Row], left: Mapping[str, Iterable[int]]) -> None:
        """Look for rows held out of the training sources themselves; `left` is 1 for a learned one.

        Equal rows never part, so only those that differ in little are found here.
        """
        judged = {hash(normalised("\n".join(texts(row)))) for row in held_out}
        for name, flags in left.items():
            for number, (key, is_left) in enumerate(zip(self._alike[name], flags, strict=False), 1):
                if is_left and key in judged:
                    self.leaks.alike.add(f"{self.sources[name].uri}, example {number}")

    def forget(self) -> None:
        """Free what rows were compared by, once all are read: up to 260 MB."""
        self._seen, self._judged, self._alike = (set(), set()), (set(), set()), {}

    def _measure(self, found: SourceCensus, row: Row, text: str) -> None:
        """Take note of rows that are too long; documents are cut, so they never are."""
        if self._count_tokens is not None:
            self._waiting.append((text, row))
            if len(self._waiting) >= COUNTED_AT_ONCE:
                self._count_waiting(found)
        elif len(text) > self.max_length * CHARACTERS_A_TOKEN and not isinstance(row, Document):
            found.too_long.add(place(row))

    def _count_waiting(self, found: SourceCensus) -> None:
        waiting, self._waiting = self._waiting, []
        if self._count_tokens is None:
            return
        found.tokens = found.tokens or Histogram()
        lengths = self._count_tokens([text for text, _ in waiting])
        for (_, row), length in zip(waiting, lengths, strict=True):
            found.tokens.add(length)
            if length > self.max_length and not isinstance(row, Document):
                found.too_long.add(place(row))

    def _compare(
        self, found: SourceCensus, row: Row, equal: int, alike: int, *, is_judged: bool
    ) -> None:
        self.compared += 1
        seen_equal, seen_alike = self._judged if is_judged else self._seen
        if equal in seen_equal:
            found.duplicates.add(place(row))
        elif alike in seen_alike:
            found.alike.add(place(row))
        if not is_judged and equal in self._judged[0]:
            self.leaks.equal.add(place(row))
        elif not is_judged and alike in self._judged[1]:
            self.leaks.alike.add(place(row))
        seen_equal.add(equal)
        seen_alike.add(alike)


def normalised(text: str) -> str:
    """Return the words of a text: without case, spaces, punctuation and ways to write a letter."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(_WORDS.findall(text.casefold())) or text


def _equality(row: Row, pieces: tuple[str, ...]) -> int:
    """Return a number that equal rows share, in this process alone."""
    if isinstance(row, Document | Prompt) or not (row.tools or any(_calls(row))):
        answer = str(row.answer) if isinstance(row, Prompt) else ""
        return hash((type(row), pieces, answer))
    return hash(row_json(row))


def _calls(row: Row) -> Iterator[bool]:
    return (bool(message.tool_calls) for message in every_message(row))


def _count(found: SourceCensus, row: Row, text: str) -> None:
    found.rows += 1
    found.characters.add(len(text))
    found.kinds[type(row).__name__.lower()] += 1
    if not isinstance(row, Document):
        messages = every_message(row)
        found.turns.add(len(messages))
        found.roles.update([message.role for message in messages])
        found.with_tools += bool(row.tools)
    for name in sensitive(text):
        found.warn(name, place(row))
    if is_garbled(text):
        found.warn(GARBLED, place(row))
