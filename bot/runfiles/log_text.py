"""From the bytes of a log to lines that a person may read."""

import re

LONGEST_LINE = 8_000  # characters; a line of a log is for reading, and one longer is none

# Colours and cursor moves of terminals (ECMA-48), then what else has no picture.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b\n]{0,2000}(?:\x07|\x1b\\)?|[@-Z\\^_])"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


def cleaned(raw: bytes) -> str:
    """Return the text of `raw`, of exactly as many lines.

    Of a line that a progress bar wrote over and over only the last state is left. What is no
    UTF-8 becomes U+FFFD.
    """
    text = raw.decode("utf-8", errors="replace")
    if "\x1b" in text:
        text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROLS.sub("", text)


def shortened(line: str) -> str:
    """Return the line, cut where it is too long to be read."""
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} [line cut]"
