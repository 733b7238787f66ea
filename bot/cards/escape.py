"""Make text from people and logs inert, so that it can neither forge a card nor garble a terminal.

Everything that a person or a program wrote is drawn in a `TextRun`, which knows no Markdown
(Adaptive Cards 1.5). Backslashes are no way out: Teams shows them on phones
(https://github.com/microsoft/AdaptiveCards/issues/5590). What a TextRun still obeys is broken here.
"""

import re
import unicodedata

_BREAK = "\u200b"  # zero-width space: invisible, and no pattern reaches across it
_NO_BREAK_SPACE = "\u00a0"

# `{{DATE(` and `{{TIME(` are replaced by clients; `<at>` mentions; `](` makes a link of what stands
# before it, should a client read Markdown after all.
_LIVE = re.compile(r"(?<=\{)(?=\{)|(?<=<)(?=/?at\b)|(?<=\])(?=\()", re.IGNORECASE)
# Colours and cursor moves of terminals (ECMA-48 CSI and OSC sequences).
_TERMINAL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
# Cc control, Cs lone halves of a pair (no JSON may hold them), Co private, Cn unassigned.
_DROPPED = frozenset({"Cc", "Cs", "Co", "Cn"})
# They turn the direction of the text around, so that it reads differently from what it is.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str) -> str:
    """Return the text without terminal sequences, control and direction characters.

    Newlines and tabs stay; every other kind of line end becomes a newline.
    """
    if text.isprintable():  # nearly every text, and a hundred times faster
        return text
    lines = "\n".join(_TERMINAL.sub("", text).splitlines())
    return "".join(c for c in lines if c in "\n\t" or _is_harmless(c))


def flat(text: str, most: int = 2000) -> str:
    """Return one line for a terminal, cut to `most` characters; whitespace runs become a space."""
    return cut(" ".join(printable(_start(text, most)).split()), most)


def plain(text: str, most: int = 2000) -> str:
    """Return one line for a card, as `flat`, and with nothing in it that a client obeys."""
    return _LIVE.sub(_BREAK, flat(text, most))


def code(line: str, most: int = 500) -> str:
    """Return one inert line whose spaces survive; for logs in a fixed-width font."""
    one = printable(_start(line, most)).replace("\n", " ").expandtabs(4).rstrip()
    return _LIVE.sub(_BREAK, cut(one, most)).replace("  ", _NO_BREAK_SPACE * 2)


def paragraphs(text: str, most: int = 2000) -> tuple[str, ...]:
    """Return the text's lines, each inert and not empty."""
    lines = (plain(line, most) for line in printable(_start(text, most)).split("\n"))
    return tuple(line for line in lines if line)


def mention_name(name: str) -> str:
    """Return a name that can stand between `<at>` and `</at>`: letters, digits and a few marks."""
    kept = "".join(c if c.isalnum() or c in " .,'-" else " " for c in printable(name))
    return cut(" ".join(kept.split()), 100) or "requester"


def cut(text: str, most: int) -> str:
    """Return the text, or its beginning and an ellipsis where it is longer than `most`."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _start(text: str, most: int) -> str:
    """Return enough of a huge text to fill `most` characters, so that no more is looked at."""
    return text if len(text) <= 8 * most else text[: 8 * most] + "…"


def _is_harmless(char: str) -> bool:
    return char not in _DIRECTION and unicodedata.category(char) not in _DROPPED
