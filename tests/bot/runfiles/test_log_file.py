"""A log as people read it: whole lines, no secrets, no terminal noise, however it grows."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.redact import MARK
from bot.runfiles.log_file import LogFile
from bot.runfiles.log_text import LONGEST_LINE, cleaned

KEY = [
    "-----BEGIN PRIVATE KEY-----",
    "MIIEvQIBADANBg",
    "kqhkiG9w0BAQEF",
    "-----END PRIVATE KEY-----",
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.txt"


def read(
    log: LogFile, first: int = 1, count: int = 10_000, *, has_ended: bool = False
) -> list[str]:
    log.refresh(has_ended=has_ended)
    return log.lines(first, count).texts


def test_a_line_is_there_once_its_end_is(path: Path) -> None:
    log = LogFile(path)
    path.write_bytes(b"one\ntw")
    assert read(log) == ["one"]
    with path.open("ab") as file:
        file.write(b"o\nthree")
    assert read(log) == ["one", "two"]


def test_a_last_line_without_an_end_counts_when_the_job_has_ended(path: Path) -> None:
    log = LogFile(path)
    path.write_bytes(b"one\nSegmentation fault")
    assert read(log, has_ended=True) == ["one", "Segmentation fault"]
    with path.open("ab") as file:
        file.write(b" (attempt 2 follows)\nthree\n")
    assert read(log) == ["one", "Segmentation fault (attempt 2 follows)", "three"]


def test_a_log_that_was_replaced_is_read_anew(path: Path) -> None:
    log = LogFile(path)
    path.write_bytes(b"one\ntwo\n")
    assert len(read(log)) == 2
    path.write_bytes(b"new\n")
    assert read(log) == ["new"]
    path.unlink()
    assert read(log) == []


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x1b[31mred\x1b[0m and \x1b[1;32mgreen\x1b[m", "red and green"),
        (b"\x1b]0;title\x07text", "text"),
        (b" 10%|# |\r 50%|##|\r100%|###|", "100%|###|"),
        (b" 10%|# |\r 50%|##|\r", " 50%|##|"),
        (b"windows line\r", "windows line"),
        (b"bell\x07 null\x00 tab\tstays", "bell null tab\tstays"),
        (b"\xff\xfe latin \xe4", "\ufffd\ufffd latin \ufffd"),
        ("schön 模型 ✓".encode(), "schön 模型 ✓"),
        (b"\x1b]never ends\nnext", "\nnext"),
        ("one\u2028line".encode(), "oneline"),
    ],
)
def test_terminal_noise_is_cleaned_away(raw: bytes, text: str) -> None:
    assert cleaned(raw) == text


@given(st.binary(max_size=200))
def test_cleaning_keeps_the_number_of_lines(raw: bytes) -> None:
    assert cleaned(raw).count("\n") == raw.count(b"\n")
    assert len(cleaned(raw).splitlines()) <= raw.count(b"\n") + 1


@settings(max_examples=40)
@given(
    pieces=st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\r", b"\n")), max_size=30),
    every=st.integers(1, 4),
)
def test_reading_as_it_grows_is_reading_it_at_the_end(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], every: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.txt"
    path.touch()
    growing = LogFile(path)
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        growing.refresh(has_ended=False)
    fresh = LogFile(path)
    assert read(growing) == read(fresh)
    whole = b"".join(pieces)
    assert fresh.total == whole.count(b"\n")
    assert growing.lines(every, 3).texts == read(fresh)[every - 1 : every + 2]


def test_every_line_is_found_by_its_number_over_many_index_entries(path: Path) -> None:
    path.write_text("".join(f"line {number}\n" for number in range(1, 2001)))
    log = LogFile(path)
    log.refresh(has_ended=False)
    for number in (1, 2, 255, 256, 257, 512, 513, 1999, 2000):
        assert log.lines(number, 1).texts == [f"line {number}"]


def test_a_private_key_is_hidden_line_by_line_wherever_reading_begins(path: Path) -> None:
    path.write_text("\n".join(["before", *KEY, "after"]) + "\n")
    log = LogFile(path)
    assert read(log) == ["before", MARK, MARK, MARK, MARK, "after"]
    assert log.lines(3, 1).texts == [MARK]
    assert log.search("MIIEvQ", 10) == ([], 0)


@pytest.mark.parametrize("size", [1, 7, 40])
def test_a_private_key_is_hidden_however_it_arrives(path: Path, size: int) -> None:
    raw = ("\n".join(["before", *KEY, "after"]) + "\n").encode()
    log = LogFile(path)
    for at in range(0, len(raw), size):
        with path.open("ab") as file:
            file.write(raw[at : at + size])
        log.refresh(has_ended=False)
    assert read(log) == ["before", MARK, MARK, MARK, MARK, "after"]


def test_a_private_key_that_never_ends_does_not_hide_the_rest_of_the_log(path: Path) -> None:
    path.write_text("\n".join([KEY[0], *(f"line {n}" for n in range(2, 400))]) + "\n")
    log = LogFile(path)
    assert read(log)[-1] == "line 399"
    assert log.lines(100, 1).texts == [MARK]


def test_a_secret_is_neither_shown_nor_found_nor_downloaded(path: Path) -> None:
    path.write_text("start\nexport AZURE_CLIENT_SECRET=kX8Qxyz.abc\nend\n")
    log = LogFile(path)
    assert read(log)[1] == f"export AZURE_CLIENT_SECRET={MARK}"
    assert log.search("kX8Qxyz", 10) == ([], 0)
    assert log.search("redacted", 10) == ([2], 1)
    assert "kX8Q" not in str(list(log.pieces()))


def test_a_search_finds_words_that_a_terminal_coloured(path: Path) -> None:
    path.write_bytes(b"an \x1b[31mER\x1b[0mROR here\n")
    log = LogFile(path)
    log.refresh(has_ended=False)
    assert log.search("error", 10) == ([1], 1)


def test_a_line_that_is_too_long_is_cut_and_the_next_one_is_whole(path: Path) -> None:
    path.write_bytes(b"x" * 3_000_000 + b"\nnext\n")
    log = LogFile(path)
    first, second = read(log)
    assert first == "x" * LONGEST_LINE + " [line cut]"
    assert second == "next"


def test_the_last_state_of_a_long_progress_bar_is_shown(path: Path) -> None:
    path.write_bytes(b"".join(b"\r%d%%" % n for n in range(100_000)) + b"\ndone\n")
    log = LogFile(path)
    assert read(log) == ["99999%", "done"]


def test_a_log_of_many_pieces_is_downloaded_and_searched_whole(path: Path) -> None:
    path.write_text("".join(f"line {number}\n" for number in range(1, 1001)))
    log = LogFile(path, piece_bytes=100)
    log.refresh(has_ended=False)
    texts = [text for piece in log.pieces() for text in piece.texts]
    assert texts == [f"line {number}" for number in range(1, 1001)]
    assert log.search("line 99", 3) == ([99, 990, 991], 11)
