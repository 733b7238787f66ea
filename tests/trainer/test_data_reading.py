"""Data files: every fault is named by file and line, and nothing bad gets through."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.trainer.small import ROOT, process_environment
from trainer.contract.data import DataSource
from trainer.data.files import DOCUMENT_CHARACTERS
from trainer.data.read import RowReader, Rows, read_rows
from trainer.data.rows import Conversation, Document
from trainer.errors import BadDataError
from trainer.method import find_method

GOOD = {"question": "Why?", "answer": "Because."}
TALK = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def read(folder: Path, content: str | bytes, *, name: str = "d.jsonl", method: Any = "sft") -> Rows:
    raw = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(raw)
    return read_rows(DataSource(uri=name), find_method(method).ROWS, folder)


def refused(folder: Path, content: str | bytes, **options: Any) -> BadDataError:
    with pytest.raises(BadDataError) as caught:
        read(folder, content, **options)
    return caught.value


@pytest.mark.parametrize(
    "row",
    [GOOD, {"prompt": "Why?", "completion": "Because."}, {"messages": TALK}],
)
def test_each_shape_of_a_conversation_is_read(tmp_path: Path, row: dict[str, Any]) -> None:
    (found,) = read(tmp_path, json.dumps(row) + "\n").rows
    assert isinstance(found, Conversation)
    assert found.messages[-1].role == "assistant"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{broken", "expected one JSON object"),
        ("[1]", "found a list"),
        ("{}", "found no keys"),
        ('{"q": 1}', "found `q`"),
        ('{"question": "Why?"}', "`answer` is missing"),
        ('{"question": "Why?", "answer": ""}', "`answer` is empty"),
        ('{"question": "Why?", "answer": 7}', "`answer` must be text; found a number"),
        ('{"prompt": null, "completion": "x"}', "`prompt` must be text; found null"),
        ('{"messages": []}', "`messages` is empty"),
        ('{"messages": "hi"}', "`messages` must be a list"),
        ('{"messages": [{"role": "user", "content": "Hi"}]}', "must be the assistant's answer"),
        ('{"messages": [{"role": "robot", "content": "Hi"}]}', "role 'robot'"),
        ('{"messages": [{"role": "user"}]}', "must have `role` and `content`"),
        ('{"text": "Once upon a time"}', "has no answer to learn"),
    ],
)
def test_a_bad_row_is_named_by_line_with_what_was_expected(
    tmp_path: Path, row: str, said: str
) -> None:
    error = refused(tmp_path, json.dumps(GOOD) + "\n" + row + "\n")
    assert error.exit_code == 2
    assert error.faults[0].startswith("d.jsonl, line 2: ")
    assert said in error.faults[0]


def test_the_first_ten_faults_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    error = refused(tmp_path, "{}\n" * 25)
    assert (len(error.faults), error.count) == (10, 25)
    assert "and 15 more" in str(error)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_refused(tmp_path: Path, content: str) -> None:
    assert "is empty" in str(refused(tmp_path, content))


def test_bytes_that_are_not_utf8_are_named_by_line_and_byte(tmp_path: Path) -> None:
    error = refused(tmp_path, json.dumps(GOOD).encode() + b'\n{"question": "\xff"}\n')
    assert "line 2: expected UTF-8; byte 15 is 0xff" in error.faults[0]


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(BadDataError, match="does not exist"):
        read_rows(DataSource(uri="none.jsonl"), find_method("sft").ROWS, tmp_path)
    with pytest.raises(BadDataError, match="is a folder"):
        read_rows(DataSource(uri="."), find_method("sft").ROWS, tmp_path)


def test_an_unknown_ending_or_builtin_is_refused_with_what_there_is(tmp_path: Path) -> None:
    error = refused(tmp_path, "x", name="data.xyz")
    assert ".jsonl" in error.remedy
    with pytest.raises(BadDataError) as caught:
        read_rows(DataSource(uri="builtin:nothing"), find_method("sft").ROWS, tmp_path)
    assert "builtin:python-qa" in caught.value.remedy


def test_a_file_that_changed_since_its_approval_is_refused(tmp_path: Path) -> None:
    line = json.dumps(GOOD) + "\n"
    found = read(tmp_path, line)
    assert found.sha256 == hashlib.sha256(line.encode()).hexdigest()
    with pytest.raises(BadDataError, match="has changed"):
        read_rows(DataSource(uri="d.jsonl", sha256="0" * 64), find_method("sft").ROWS, tmp_path)


def test_a_source_is_read_again_each_time_and_refused_once_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "d.jsonl"
    path.write_text((json.dumps(GOOD) + "\n") * 3)
    reader = RowReader(DataSource(uri="d.jsonl"), find_method("sft").ROWS, tmp_path)
    assert [len(list(reader)) for _ in range(2)] == [3, 3]
    path.write_text((json.dumps(GOOD) + "\n") * 4)
    with pytest.raises(BadDataError, match=r"has changed: its sha256 is .*, and before it was"):
        list(reader)


@pytest.mark.parametrize("name", ["d.jsonl", "d.txt"])
def test_rows_come_before_the_file_is_read_to_its_end(tmp_path: Path, name: str) -> None:
    """Data larger than memory is never held whole: a fault far below is found later."""
    row = json.dumps({"text": "word " * 1000}) if name == "d.jsonl" else "word " * 2000 + "\n"
    (tmp_path / name).write_bytes((row + "\n").encode() * 3 + b"\xff\n")
    rows = iter(RowReader(DataSource(uri=name), find_method("pretrain").ROWS, tmp_path))
    assert isinstance(next(rows), Document)
    with pytest.raises(BadDataError, match="expected UTF-8"):
        list(rows)


def test_parquet_gives_the_rows_that_jsonl_gives(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([GOOD, GOOD]), tmp_path / "d.parquet")
    found = read_rows(DataSource(uri="d.parquet"), find_method("sft").ROWS, tmp_path)
    assert [row.messages for row in found.rows] == [
        row.messages for row in read(tmp_path, (json.dumps(GOOD) + "\n") * 2).rows
    ]


def test_a_broken_parquet_file_is_refused_in_words(tmp_path: Path) -> None:
    error = refused(tmp_path, b"PAR1 not really", name="d.parquet")
    assert "not a whole Parquet file" in str(error)


def test_text_is_cut_into_documents_at_blank_lines_without_loss(tmp_path: Path) -> None:
    text = "".join(f"Paragraph {n}. " + "word " * 60 + "\n\n" for n in range(60))
    found = read(tmp_path, text, name="book.txt", method="pretrain")
    pieces = [row.text for row in found.rows if isinstance(row, Document)]
    assert "".join(pieces) == text
    assert all(piece.endswith("\n\n") for piece in pieces)
    assert all(DOCUMENT_CHARACTERS <= len(p) <= 2 * DOCUMENT_CHARACTERS for p in pieces[:-1])


def test_text_without_blank_lines_is_cut_at_line_ends(tmp_path: Path) -> None:
    text = "a line of words\n" * 2000
    found = read(tmp_path, text, name="long.txt", method="pretrain")
    assert len(found.rows) > 1
    assert "".join(row.text for row in found.rows if isinstance(row, Document)) == text


def test_conversations_are_refused_where_text_is_wanted(tmp_path: Path) -> None:
    error = refused(tmp_path, json.dumps(GOOD) + "\n", method="pretrain")
    assert "expected `text`; found a conversation" in str(error)


@pytest.mark.parametrize(
    ("uri", "method", "least"),
    [
        ("builtin:python-topics", "pretrain", 50),
        ("builtin:python-docstrings", "pretrain", 2000),
        ("builtin:python-code", "pretrain", 3000),
        ("builtin:python-qa", "sft", 2000),
        ("builtin:python-preferences", "dpo", 900),
        ("builtin:python-judged", "kto", 900),
    ],
)
def test_builtin_text_is_there_and_the_same_each_time(uri: str, method: Any, least: int) -> None:
    first = read_rows(DataSource(uri=uri), find_method(method).ROWS, Path())
    again = read_rows(DataSource(uri=uri), find_method(method).ROWS, Path())
    assert len(first.rows) > least
    assert first.sha256 == again.sha256


# Prints how a builtin reads before and after the libraries that training needs are loaded.
BEFORE_AND_AFTER = """
from pathlib import Path
from trainer.contract.data import DataSource
from trainer.data.read import RowReader
from trainer.method import find_method
reader = RowReader(DataSource(uri="builtin:python-qa"), find_method("sft").ROWS, Path())
rows = list(reader)
import trainer.packed
print(rows == list(reader))
"""


def test_a_builtin_reads_the_same_once_torch_has_changed_the_standard_library() -> None:
    """It adds docstrings of its own there, and a row more would put held-out rows among others."""
    done = subprocess.run(
        [sys.executable, "-c", BEFORE_AND_AFTER],
        cwd=ROOT,
        env=process_environment({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr
