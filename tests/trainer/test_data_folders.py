"""Data in folders, lists and saved data sets: every row once, in order, under one hash."""

import hashlib
import json
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainer.contract.data import DataSource
from trainer.data.read import Rows, read_rows
from trainer.data.rows import Conversation, place
from trainer.errors import BadDataError
from trainer.method import find_method


def pair(number: int) -> dict[str, Any]:
    return {"question": f"What is {number}?", "answer": f"It is {number}."}


def read(folder: Path, uri: str = "d", **options: Any) -> Rows:
    return read_rows(DataSource(uri=uri, **options), find_method("sft").ROWS, folder)


def refused(folder: Path, uri: str = "d", **options: Any) -> BadDataError:
    with pytest.raises(BadDataError) as caught:
        read(folder, uri, **options)
    return caught.value


def asked(found: Rows) -> list[str]:
    return [row.messages[0].content for row in found.rows if isinstance(row, Conversation)]


def write_lines(path: Path, *rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_folder_of_shards_is_read_in_order_of_names(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        path = tmp_path / "d" / f"part-{number}.parquet"
        path.parent.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist([pair(number)]), path)
    (tmp_path / "d" / "README.md").write_text("Not data.")
    (tmp_path / "d" / "_SUCCESS").write_text("")
    found = read(tmp_path)
    assert asked(found) == ["What is 0?", "What is 1?", "What is 2?"]
    assert [place(row) for row in found.rows][2] == "d/part-2.parquet, row 1"


def test_a_folders_hash_is_that_of_its_files_hashes(tmp_path: Path) -> None:
    write_lines(tmp_path / "d" / "a.jsonl", pair(1))
    write_lines(tmp_path / "d" / "b.jsonl", pair(2))
    lines = [
        f"{hashlib.sha256((tmp_path / 'd' / name).read_bytes()).hexdigest()}  {name}\n"
        for name in ("a.jsonl", "b.jsonl")
    ]
    expected = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert read(tmp_path).sha256 == expected
    (tmp_path / "d").rename(tmp_path / "moved")
    assert read(tmp_path, "moved").sha256 == expected


def test_a_folder_with_one_file_is_that_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "d" / "a.jsonl", pair(1))
    assert read(tmp_path).sha256 == read(tmp_path, "d/a.jsonl").sha256


def test_a_fault_in_a_shard_is_named_by_its_file_and_line(tmp_path: Path) -> None:
    write_lines(tmp_path / "d" / "a.jsonl", pair(1), pair(2))
    write_lines(tmp_path / "d" / "b.jsonl", pair(3), {"question": "Why?"})
    assert refused(tmp_path).faults[0].startswith("d/b.jsonl, line 2: expected `question`")


def test_a_folder_of_several_formats_is_refused_by_their_names(tmp_path: Path) -> None:
    write_lines(tmp_path / "d" / "a.jsonl", pair(1))
    (tmp_path / "d" / "b.txt").write_text("Once.")
    assert "several formats: jsonl, text" in str(refused(tmp_path))


def test_one_json_list_gives_the_rows_that_lines_give(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(json.dumps([pair(1), pair(2)], indent=2))
    found = read(tmp_path, "d.json")
    assert asked(found) == ["What is 1?", "What is 2?"]
    (tmp_path / "d.json").write_text(json.dumps([pair(1), {}]))
    assert refused(tmp_path, "d.json").faults[0].startswith("d.json, entry 2: ")
    (tmp_path / "d.json").write_text("[{}\n,}")
    assert "d.json, line 2: expected JSON" in refused(tmp_path, "d.json").faults[0]


@pytest.mark.parametrize("format_", ["auto", "arrow"])
def test_a_data_set_saved_to_disk_is_read(tmp_path: Path, format_: str) -> None:
    saved = datasets.Dataset.from_list([pair(n) for n in range(5)])
    saved.save_to_disk(str(tmp_path / "d"), num_shards=2)
    found = read(tmp_path, format=format_)
    assert asked(found) == [f"What is {n}?" for n in range(5)]
    assert place(found.rows[4]) == "d, row 5"
    files = sorted((tmp_path / "d").glob("*.arrow"))
    each = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)
    assert len(files) == 2
    assert found.sha256 == hashlib.sha256(each).hexdigest()


def test_of_several_splits_the_one_named_train_is_learned(tmp_path: Path) -> None:
    parts = {"train": [pair(1)], "test": [pair(2)]}
    saved = datasets.DatasetDict({k: datasets.Dataset.from_list(v) for k, v in parts.items()})
    saved.save_to_disk(str(tmp_path / "d"))
    assert asked(read(tmp_path)) == ["What is 1?"]
    assert asked(read(tmp_path, "d/test")) == ["What is 2?"]


def test_splits_without_train_are_refused_by_their_names(tmp_path: Path) -> None:
    saved = datasets.DatasetDict(
        {name: datasets.Dataset.from_list([pair(1)]) for name in ("sft", "test")}
    )
    saved.save_to_disk(str(tmp_path / "d"))
    error = refused(tmp_path)
    assert "splits sft, test, and none is called train" in str(error)
    assert "d/<split>" in error.remedy


def test_a_saved_data_set_cut_short_is_refused_in_words(tmp_path: Path) -> None:
    datasets.Dataset.from_list([pair(1)]).save_to_disk(str(tmp_path / "d"))
    (path,) = (tmp_path / "d").glob("*.arrow")
    path.write_bytes(path.read_bytes()[:40])
    assert "not a whole data set" in str(refused(tmp_path))
    (tmp_path / "e").mkdir()
    assert "state.json is missing" in str(refused(tmp_path, "e", format="arrow"))


def test_calls_with_different_arguments_come_out_of_parquet_as_they_went_in(
    tmp_path: Path,
) -> None:
    def row(**arguments: str) -> dict[str, Any]:
        call = {"type": "function", "function": {"name": "f", "arguments": arguments}}
        ask = {"role": "user", "content": "Go."}
        return {"messages": [ask, {"role": "assistant", "content": "", "tool_calls": [call]}]}

    table = pa.Table.from_pylist([row(city="Rome"), row(day="Monday")])
    pq.write_table(table, tmp_path / "d.parquet")
    write_lines(tmp_path / "d.jsonl", row(city="Rome"), row(day="Monday"))
    one, other = read(tmp_path, "d.parquet"), read(tmp_path, "d.jsonl")
    assert [row.messages for row in one.rows if isinstance(row, Conversation)] == [
        row.messages for row in other.rows if isinstance(row, Conversation)
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lost \ufffd here", "character 6 is U+FFFD, where a character was lost"),
        ("half \ud83d pair", "U+D83D, half of a surrogate pair"),
        ("bell \x07", "U+0007, a control character"),
        ("c1 \x9d", "U+009D, a control character"),
    ],
)
def test_broken_text_is_named_by_line_and_code_point(tmp_path: Path, text: str, said: str) -> None:
    write_lines(tmp_path / "d.jsonl", pair(1), {"question": "Why?", "answer": text})
    (fault,) = refused(tmp_path, "d.jsonl").faults
    assert fault.startswith("d.jsonl, line 2: ")
    assert said in fault


def test_tabs_line_ends_emojis_and_every_script_are_text(tmp_path: Path) -> None:
    text = "a\tb\r\nc\fd 🎉 東京 naïve é\u0301 \u200d\u200f שלום"
    write_lines(tmp_path / "d.jsonl", {"question": "Why?", "answer": text})
    assert len(read(tmp_path, "d.jsonl").rows) == 1
