"""Plain text of at most 100 columns, built line by line."""

import textwrap
from collections.abc import Iterable
from itertools import groupby

from bot.cards.escape import cut, flat, printable
from bot.cards.facts import Facts

COLUMNS = 100
_INDENT = "  "


class Page:
    """Collects lines; every text that comes in is made inert and wrapped."""

    def __init__(self, heading: str = "") -> None:
        self._lines = [flat(heading, COLUMNS)] if heading else []

    def say(self, text: str) -> "Page":
        """Add paragraphs."""
        for paragraph in printable(text).split("\n"):
            if paragraph.strip():
                self._lines += _wrapped(flat(paragraph), _INDENT, _INDENT)
        return self

    def facts(self, rows: Facts, width: int = 0) -> "Page":
        """Add labels and values, values under each other, at least `width` columns in."""
        width = min(24, max((width, *(len(flat(label)) for label, _ in rows))))
        for label, value in rows:
            lead = f"{_INDENT}{flat(label, 24):<{width}}  "
            self._lines += _wrapped(flat(value) or "-", lead, " " * len(lead))
        return self

    def part(self, heading: str) -> "Page":
        """Begin a new part after an empty line."""
        self._lines += ["", flat(heading, COLUMNS)]
        return self

    def bullets(self, texts: Iterable[str], mark: str = "-") -> "Page":
        """Add one marked paragraph for each text."""
        for text in texts:
            self._lines += _wrapped(
                flat(text), f"{_INDENT}{mark} ", f"{_INDENT}  " + " " * (len(mark) - 1)
            )
        return self

    def code(self, lines: Iterable[str]) -> "Page":
        """Add lines as they are, cut at the edge."""
        flats = (printable(line).replace("\n", " ").expandtabs(4).rstrip() for line in lines)
        self._lines += [f"{_INDENT}| {cut(line, COLUMNS - 4)}".rstrip() for line in flats]
        return self

    def link(self, url: str) -> "Page":
        """Add an address, alone on its line and whole however long it is."""
        self._lines.append(f"{_INDENT}{url}")
        return self

    def text(self) -> str:
        """Return the page; never two empty lines after each other."""
        kept = (line for _, group in groupby(self._lines) for line in _few(list(group)))
        return "\n".join(kept)


def _few(same: list[str]) -> list[str]:
    return same[:1] if same[0] == "" else same


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(text, COLUMNS, initial_indent=first, subsequent_indent=rest) or [first]
