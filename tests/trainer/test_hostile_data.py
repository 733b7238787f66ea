"""Files that nobody should have written: each is refused by file and line, none with a trace."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainer.small import small_spec, write_colours
from trainer.__main__ import main
from trainer.contract.data import DataSource
from trainer.data import files
from trainer.data.read import read_rows
from trainer.data.rows import Conversation, Kinds
from trainer.errors import BadDataError

GOOD = json.dumps({"question": "Why?", "answer": "Because."}).encode()
KINDS = Kinds((Conversation,))


def refusal(folder: Path, content: bytes, name: str = "d.jsonl") -> str:
    (folder / name).write_bytes(content)
    with pytest.raises(BadDataError) as caught:
        read_rows(DataSource(uri=name), KINDS, folder)
    return str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"question": "a", "question": "b", "answer": "c"}', "the key 'question' is there twice"),
        (b'{"question": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"question": "a", "answer": "b", "n": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"question": "a\x00", "answer": "b"}', "Invalid control character"),
        (b'{"question": "a\\u0000", "answer": "b"}', "U+0000, a control character"),
        (b'\xef\xbb\xbf{"question": "a", "answer": "b"}', "BOM"),
        (b'{"question": "a"} {"question": "b"}', "Extra data at column 19"),
        (b"\x1f\x8b\x08\x00", "expected UTF-8; byte 2 is 0x8b"),
        (b'{"question": NaN, "answer": Infinity}', "question"),
        (b"null", "found null"),
    ],
)
def test_a_hostile_line_is_named_by_its_number(tmp_path: Path, line: bytes, said: str) -> None:
    found = refusal(tmp_path, GOOD + b"\r\n" + line + b"\r\n")
    assert found.startswith("d.jsonl, line 2: ")
    assert said in found


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["d.jsonl", "d.txt", "d.json"])
def test_another_unicode_is_said_once(tmp_path: Path, encoding: str, name: str) -> None:
    content = "\n".join([GOOD.decode()] * 30).encode(encoding)
    assert refusal(tmp_path, content, name) == (
        f"{name}, line 1: the file is UTF-16 or UTF-32; write it again as UTF-8."
    )


def test_a_line_too_long_to_be_a_row_is_never_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LONGEST_LINE_BYTES", 1000)
    found = refusal(tmp_path, GOOD + b"\n" + b"x" * 5000 + b"\n" + b"{\n")
    assert found.startswith("d.jsonl, line 2: longer than 1,000 bytes")
    assert "line 3: expected one JSON object" in found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'[{"question": 1, "question": 2}]', "is there twice"),
        (b"[\n{},\n{,}]", "d.json, line 3: expected JSON"),
    ],
)
def test_a_hostile_list_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    assert said in refusal(tmp_path, content, "d.json")


def test_line_ends_of_windows_and_a_mark_at_the_beginning_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_bytes(b"\xef\xbb\xbf" + GOOD + b"\r\n\r\n" + GOOD)
    assert len(read_rows(DataSource(uri="d.jsonl"), KINDS, tmp_path).rows) == 2


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("s.json", "[" * 100_000),
        ("s.yaml", "[" * 5_000),
        ("s.yaml", "a: &a [x]\nb: *c\n"),
        ("s.json", '{"name": ' + "9" * 5000 + "}"),
        ("s.yaml", "name: \x00\n"),
    ],
)
def test_a_hostile_spec_is_refused_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, spec: str
) -> None:
    (tmp_path / name).write_text(spec)
    assert main(["validate", str(tmp_path / name)]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_a_spec_that_says_something_twice_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_colours(tmp_path)
    body: dict[str, Any] = small_spec().model_dump(mode="json")
    text = json.dumps(body)
    for name, twice in (
        ("s.json", text[:-1] + ', "name": "other"}'),
        ("s.yaml", text[:-1] + ', "name": "other"}'),
    ):
        (tmp_path / name).write_text(twice)
        assert main(["validate", str(tmp_path / name)]) == 2
        assert "twice" in capsys.readouterr().err
