"""Text from people and logs is inert: it can neither forge a card nor garble a terminal."""

import json
import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.cards.escape import code, cut, flat, mention_name, paragraphs, plain, printable
from tests.bot.cards.sample_runs import HOSTILE

# Any text, and text rich in what clients obey.
TEXTS = st.text() | st.lists(
    st.sampled_from(
        ["{{", "{", "DATE(", "TIME(", ")}}", "<at>", "</AT>", "<", "at>", "[x](http://e)", "]", "(",
         "\n", "\r", "\u2028", "\t", "\x1b[2J", "\x1b]0;t\x07", "\x00", "\u202e", "\ud800", "a  b"]
    )
).map("".join)  # fmt: skip
LIVE = re.compile(r"\{\{|</?at\b|\]\(", re.IGNORECASE)


@given(TEXTS)
@example(HOSTILE)
def test_no_client_finds_anything_to_obey(text: str) -> None:
    assert not LIVE.search(plain(text))
    assert not LIVE.search(code(text))


@given(TEXTS)
@example(HOSTILE)
def test_every_text_becomes_one_line_of_printable_characters(text: str) -> None:
    for made in (plain(text), code(text), flat(text)):
        assert not {unicodedata.category(c) for c in made} & {"Cc", "Cs", "Zl", "Zp"}
        assert not set(made) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@given(TEXTS)
def test_every_text_can_be_sent_as_utf_8_json(text: str) -> None:
    assert json.loads(json.dumps(plain(text)).encode()) == plain(text)
    plain(text).encode()
    printable(text).encode()


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=50))
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert plain(text) == text
    assert code(text) == text


@given(TEXTS, st.integers(1, 50))
def test_no_line_is_longer_than_asked(text: str, most: int) -> None:
    assert len(flat(text, most)) <= most
    assert len(plain(text, most).replace("\u200b", "")) <= most


@given(TEXTS)
def test_a_mentioned_name_cannot_end_the_mention(text: str) -> None:
    name = mention_name(text)
    assert name
    assert not set(name) & set("<>[]()*_`#{}\\\n&")


@given(TEXTS)
@example(HOSTILE)
def test_a_terminal_is_sent_no_escape_sequence(text: str) -> None:
    assert "\x1b" not in printable(text)
    assert "\x07" not in printable(text)


def test_colours_of_a_log_line_vanish_whole() -> None:
    assert printable("\x1b[31mloss\x1b[0m 2.3\x1b]0;title\x07") == "loss 2.3"


def test_the_columns_of_a_log_line_survive() -> None:
    assert code("a   b\tc").replace("\u00a0", " ") == "a   b   c"
    assert "  " not in code("a   b\tc")  # two plain spaces would be drawn as one
    assert code("  indented").startswith("\u00a0\u00a0")


def test_paragraphs_drop_empty_lines() -> None:
    assert paragraphs("one\r\n\n two \n") == ("one", "two")


@pytest.mark.parametrize(("text", "most", "shown"), [("abc", 3, "abc"), ("abcd", 3, "ab…")])
def test_a_cut_text_says_so(text: str, most: int, shown: str) -> None:
    assert cut(text, most) == shown


def test_an_unnamed_person_is_still_mentioned() -> None:
    assert mention_name("<>\n") == "requester"
