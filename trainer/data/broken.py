"""Text that was broken on its way into the file: found by pattern, named by code point."""

import re

# Tab, line feed, form feed and carriage return belong to text; other control characters come from
# terminals and binary files. U+FFFD is what a wrong decoder leaves where a character was lost, and
# half of a surrogate pair can not be written as UTF-8 at all.
_BROKEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufffd\ud800-\udfff]")
_ASCII_BROKEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
# UTF-8 read as Latin-1 or Windows-1252: the first byte of a pair, then one that is seldom a
# letter's neighbour. `Ã©` for é, `â€™` for an apostrophe, `ðŸ` for an emoji.
# The ends are written as code points: a page of Windows-1252 is hard to read as text.
_HIGH = (
    "\x80-\xbf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122"
)
_MOJIBAKE = re.compile(f"\xc3[{_HIGH}]|\xe2\u20ac[{_HIGH}]|\xf0\u0178|\xc2[\xa0-\xbf]|\xef\xbf\xbd")


def fault_in(text: str) -> str | None:
    """Return what is broken in the text, in words, or None. Nothing of the text is repeated."""
    found = (_ASCII_BROKEN if text.isascii() else _BROKEN).search(text)
    if found is None:
        return None
    code = ord(found[0])
    where = f"character {found.start() + 1} is U+{code:04X}"
    if 0xD800 <= code <= 0xDFFF:
        return f"{where}, half of a surrogate pair, which is no text"
    if code == 0xFFFD:
        return f"{where}, where a character was lost on the way"
    return f"{where}, a control character, which is no text"


def is_garbled(text: str) -> bool:
    """Return whether the text looks like UTF-8 that was read in another encoding."""
    return not text.isascii() and _MOJIBAKE.search(text) is not None
