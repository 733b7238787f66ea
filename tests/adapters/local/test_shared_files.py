"""Small files between processes: whole or not at all, locked, with a last word on a full disk."""

import json
import multiprocessing
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.adapters.local.files import (
    LAST_WORD_BYTES,
    LastWord,
    create_json,
    disk_faults,
    locked,
    read_json,
    write_json,
)
from bot.errors import DiskFullError, UnavailableError


@contextmanager
def full_disk() -> Iterator[None]:
    """Let nothing grow beyond nothing: EFBIG comes where ENOSPC would."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"text": "ä\n"})
    assert read_json(tmp_path / "a.json") == {"text": "ä\n"}


@pytest.mark.parametrize("text", ["", "{", "[1]", "null"])
def test_what_is_no_object_reads_as_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    assert read_json(tmp_path / "a.json") is None


def test_a_file_that_is_not_there_reads_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert read_json(tmp_path / "a.json") is None
    assert read_json(tmp_path / "file" / "a.json") is None


def test_of_many_creators_one_wins_and_all_read_the_same(tmp_path: Path) -> None:
    path, won = tmp_path / "a.json", []
    threads = [
        threading.Thread(target=lambda n=n: won.append(n) if create_json(path, {"n": n}) else None)
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert read_json(path) == {"n": won[0]}
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"n": 1})
    with (
        full_disk(),
        pytest.raises(DiskFullError, match=r"^Saving was not possible: the disk is full\."),
        disk_faults("Saving"),
    ):
        write_json(path, {"n": 2})
    assert read_json(path) == {"n": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_another_fault_of_the_disk_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(UnavailableError, match=r"^Saving was not possible: Not a directory\.$"),
        disk_faults("Saving"),
    ):
        write_json(tmp_path / "file" / "a.json", {})


def test_a_last_word_is_said_on_a_full_disk(tmp_path: Path) -> None:
    word = LastWord(tmp_path / "exit.json")
    assert read_json(tmp_path / "exit.json") is None
    with full_disk(), pytest.raises(OSError, match="File too large"):
        write_json(tmp_path / "other.json", {})
    resource_left = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LAST_WORD_BYTES, resource_left[1]))
    try:
        word.say({"state": "failed", "fault": "full"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, resource_left)
    assert read_json(tmp_path / "exit.json") == {"state": "failed", "fault": "full"}


def test_a_last_word_that_is_too_long_is_cut_but_stays_readable(tmp_path: Path) -> None:
    LastWord(tmp_path / "exit.json").say({"state": "failed", "fault": "\U0001f600" * 5000})
    text = (tmp_path / "exit.json").read_text(encoding="utf-8")
    assert len(text.encode()) <= LAST_WORD_BYTES
    assert json.loads(text)["fault"].startswith("\U0001f600" * 100)


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    with locked(tmp_path / "lock") as first, locked(tmp_path / "lock", wait_s=0) as second:
        assert (first, second) == (True, False)
    with locked(tmp_path / "lock") as again:
        assert again


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=hold, args=(tmp_path / "lock", ready))
    holder.start()
    assert ready.wait(60)
    with locked(tmp_path / "lock", wait_s=0) as while_it_lives:
        assert not while_it_lives
    holder.kill()
    with locked(tmp_path / "lock", wait_s=30) as afterwards:
        assert afterwards
    holder.join()


def hold(path: Path, ready: "multiprocessing.synchronize.Event") -> None:
    """Hold the lock until killed."""
    with locked(path):
        ready.set()
        threading.Event().wait()
