"""What is counted while data is read: equal rows, leaks, secrets; by place, never repeated."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.small import small_spec
from trainer.data.broken import is_garbled
from trainer.data.card import data_card
from trainer.data.cautions import Caution, cautions, too_long
from trainer.data.census import COUNTED_AT_ONCE, Census, Histogram
from trainer.data.gather import Gathered, gather
from trainer.data.sensitive import is_iban, passes_luhn, sensitive

# Made up, in the issuers' forms; in two halves, so that no scanner takes this file for a leak.
SECRETS = {
    "a private key": "-----BEGIN RSA PRIVATE" + " KEY-----",
    "an AWS access key": "AKIA" + "ABCDEFGHIJKLMNOP",
    "an API key (sk-)": "sk-" + "proj-abcdefghijklmnopqrstuvwx",
    "a Stripe key": "sk_live_" + "abcdefghijklmnop1234",
    "a GitHub token": "ghp_" + "a1" * 18,
    "a Hugging Face token": "hf_" + "aB" * 17,
    "a Slack token": "xoxb-" + "123456789012-abcdef",
    "a Google API key": "AIza" + "a" * 35,
    "an Azure storage key": "AccountKey=" + "a" * 86 + "==",
    "a JSON web token": "eyJ" + "hbGciOiJub25lIn0.eyJ" + "zdWIiOiIxMjM0In0.sig",
    "a password in a URL": "https://ada:hunter2" + "@example.org/x",
    "an e-mail address": "Write to ada.l@mail.example.org.",
    "a phone number": "Call +49 (89) 1234-5678.",
    "an IBAN": "DE89 3704 0044 0532 0130 00",
    "a payment card's number": "4111-1111-1111-1111",
}
INNOCENT = (
    "The sum is 1234 5678 9012 3456 and 2^64 is 18446744073709551616.",
    "Version 1.2.3-4567, from 2024-11-25 10:15:30+01:00, at https://example.org:8080/a@b",
    "def f(self, *args): return x @ y  # see gh-1234, sk-learn, hf_transfer and eyJ",
    "DE12 3456 7890 1234 5678 90 has wrong check digits; ISBN 978-3-16-148410-0.",
    "pytest.mark @decorator a+b=123456789, 555-1234, +1 apple",
)


def pair(question: str, answer: str) -> dict[str, Any]:
    return {"question": question, "answer": answer}


def write(folder: Path, name: str, *rows: Any) -> None:
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def counted(folder: Path, **data: Any) -> tuple[Census, Gathered, Any]:
    given = {"train": {"uri": "d.jsonl"}, "max_length": 64, **data}
    spec = small_spec(data=given)
    census = Census(spec.data.max_length)
    return census, gather(spec, folder, census=census), spec


def found(folder: Path, **data: Any) -> dict[str, Caution]:
    census, _, spec = counted(folder, **data)
    return {one.what: one for one in cautions(census, spec.data)}


@pytest.mark.parametrize(("name", "text"), SECRETS.items())
def test_each_kind_of_secret_is_found_by_its_name(name: str, text: str) -> None:
    assert name in list(sensitive(f"before {text} after"))


@pytest.mark.parametrize("text", INNOCENT)
def test_what_only_looks_alike_is_left_alone(text: str) -> None:
    assert list(sensitive(text)) == []


def test_check_digits_tell_numbers_from_accounts() -> None:
    assert passes_luhn("4111 1111 1111 1111")
    assert not passes_luhn("4111 1111 1111 1112")
    assert is_iban("GB82 WEST 1234 5698 7654 32")
    assert not is_iban("GB83 WEST 1234 5698 7654 32")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("caf\u00e9".encode().decode("latin-1"), True),
        ("it\u2019s".encode().decode("cp1252"), True),
        ("\U0001f389".encode().decode("cp1252", "ignore"), True),
        ("café, naïve, São Paulo, Ångström, 東京, €5 🎉", False),
        ("plain", False),
    ],
)
def test_text_read_in_a_wrong_encoding_is_noticed(text: str, expected: bool) -> None:
    assert is_garbled(text) is expected


def test_no_sentence_and_no_card_repeats_a_secret(tmp_path: Path) -> None:
    write(tmp_path, "d.jsonl", pair("Why?", "Because."), pair("Keys?", " ".join(SECRETS.values())))
    census, gathered, spec = counted(tmp_path)
    said = data_card(spec, gathered, census)
    said += "".join(one.in_words for one in cautions(census, spec.data))
    for name, secret in SECRETS.items():
        assert name in said
        assert secret not in said
    assert "d.jsonl, line 2" in said


def test_equal_rows_and_nearly_equal_ones_are_told_apart(tmp_path: Path) -> None:
    first, other = pair("What is it?", "A thing."), pair("Other?", "Yes.")
    alike = pair("what  is IT", "a thing")
    write(tmp_path, "d.jsonl", first, other, first, alike, first)
    seen = found(tmp_path)
    assert (seen["duplicate"].count, seen["duplicate"].places) == (
        2,
        ("d.jsonl, line 3", "d.jsonl, line 5"),
    )
    assert seen["near duplicate"].places == ("d.jsonl, line 4",)
    assert seen["duplicate"].in_words.startswith("2 rows equal to an earlier row: d.jsonl, line 3")


def test_rows_that_differ_in_their_tools_alone_are_not_equal(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "Go."}, {"role": "assistant", "content": "Gone."}]
    rows = [{"messages": talk, "tools": [{"name": name}]} for name in ("walk", "run")]
    write(tmp_path, "d.jsonl", *rows, pair("Why?", "Because."))
    assert "duplicate" not in found(tmp_path)


def test_training_rows_in_the_eval_source_are_named(tmp_path: Path) -> None:
    shared, rest = pair("One?", "First."), [pair(f"{n}?", f"It is {n}.") for n in range(9)]
    write(tmp_path, "d.jsonl", *rest, shared, pair("TWO", "second"))
    write(tmp_path, "e.jsonl", shared, pair("Two?", "Second."))
    seen = found(tmp_path, eval={"uri": "e.jsonl"})
    assert seen["leak"].places == ("d.jsonl, line 10",)
    assert seen["near leak"].places == ("d.jsonl, line 11",)
    assert "duplicate" not in seen


def test_rows_like_those_held_out_of_the_same_source_are_found(tmp_path: Path) -> None:
    rows = [pair(f"Question {n}?", f"It is {n}.") for n in range(40)]
    loud = [{key: text.upper() for key, text in row.items()} for row in rows]
    write(tmp_path, "d.jsonl", *rows, *loud)
    census, gathered, spec = counted(tmp_path)
    seen = {one.what: one for one in cautions(census, spec.data)}
    assert seen["near duplicate"].count == 40
    # Its twin is learned unless it was held out by chance too.
    assert 0 < seen["near leak"].count <= len(gathered.split.held_out)


def test_long_rows_are_guessed_by_characters_until_tokens_are_known(tmp_path: Path) -> None:
    write(tmp_path, "d.jsonl", pair("Why?", "word " * 100), pair("How?", "Thus."))
    seen = found(tmp_path)
    assert seen["too long"].places == ("d.jsonl, line 1",)
    assert "longer than 320 characters" in seen["too long"].said


@pytest.mark.parametrize("rows", [3, 2 * COUNTED_AT_ONCE + 3])
def test_tokens_are_counted_for_every_row(tmp_path: Path, rows: int) -> None:
    write(tmp_path, "d.jsonl", *(pair(f"{n}?", "a b c") for n in range(rows)))
    spec = small_spec(data={"train": {"uri": "d.jsonl"}, "max_length": 16, "overlength": "error"})
    census = Census(3, lambda texts: [len(text.split()) for text in texts])
    gather(spec, tmp_path, census=census)
    source = census.sources["train"]
    assert source.tokens is not None
    assert (source.tokens.count, source.tokens.total, source.tokens.longest) == (rows, 4 * rows, 4)
    finding = too_long(census, spec.data)
    assert finding is not None
    assert finding.count == rows


def test_a_histogram_counts_every_length_once() -> None:
    histogram = Histogram()
    for length in (0, 1, 1, 2, 3, 9):
        histogram.add(length)
    assert histogram.rows() == [(0, 0, 1), (1, 1, 2), (2, 3, 2), (4, 7, 0), (8, 15, 1)]


def test_the_card_says_hash_rows_turns_roles_and_lengths(tmp_path: Path) -> None:
    write(tmp_path, "d.jsonl", *(pair(f"{n}?", f"It is {n}.") for n in range(20)))
    census, gathered, spec = counted(tmp_path)
    card = data_card(spec, gathered, census)
    assert f"| sha256 | `{gathered.sha256}` |" in card
    assert "| Format | jsonl |" in card
    assert "| Rows | 20: 20 conversation |" in card
    assert "| Messages | 40: 20 user, 20 assistant |" in card
    assert "| 8 to 15 | 20 |" in card
    assert "No duplicates, leaks" in card
