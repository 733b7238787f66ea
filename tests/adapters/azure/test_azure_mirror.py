"""Copies that grow as their originals do, through restarts, resubmissions and crashes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.azure.blobs import Blob
from bot.adapters.azure.mirror import SILENCE, Mirror
from trainer.contract.progress import StepLine

RUN = "run-20261123-aaaaaa"


class Storage:
    """Blobs in memory; `reads` are (path, offset, length)."""

    def __init__(self) -> None:
        self.data: dict[tuple[str, str], bytes] = {}
        self.reads: list[tuple[str, int, int]] = []
        self.changed_at = datetime.now(UTC)

    def put(self, path: str, data: bytes, job: str = RUN) -> None:
        self.data[job, path] = data

    def add(self, path: str, data: bytes, job: str = RUN) -> None:
        self.put(path, self.data.get((job, path), b"") + data, job)

    @property
    def blobs(self) -> list[Blob]:
        found = [Blob(job, path, len(d), self.changed_at) for (job, path), d in self.data.items()]
        return sorted(found, key=lambda blob: (len(blob.job), blob.job, blob.path))

    def read(self, blob: Blob, offset: int, length: int) -> bytes:
        self.reads.append((blob.path, offset, length))
        return self.data.get((blob.job, blob.path), b"")[offset : offset + length]


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path / RUN)


def step(number: int, attempt: int = 1) -> bytes:
    line = StepLine(
        at=0, attempt=attempt, step=number, total=9, loss=1, lr=1, tokens=1, tokens_per_s=1, eta_s=1
    )
    return line.model_dump_json().encode() + b"\n"


LOG, FIRST, SECOND = "user_logs/std_log.txt", "logs/progress-001.jsonl", "logs/progress-002.jsonl"


def test_only_what_is_new_is_read(mirror: Mirror, storage: Storage) -> None:
    storage.put(LOG, b"one\n")
    mirror.follow(storage.blobs, storage.read)
    storage.add(LOG, b"two\n")
    mirror.follow(storage.blobs, storage.read)
    mirror.follow(storage.blobs, storage.read)
    assert mirror.log_path.read_bytes() == b"one\ntwo\n"
    assert storage.reads == [(LOG, 0, 4), (LOG, 4, 4)]


def test_a_line_that_is_not_whole_yet_waits(mirror: Mirror, storage: Storage) -> None:
    storage.put(FIRST, step(1) + step(2)[:10])
    mirror.follow(storage.blobs, storage.read)
    assert mirror.progress_path.read_bytes() == step(1)
    storage.put(FIRST, step(1) + step(2))
    mirror.follow(storage.blobs, storage.read)
    assert mirror.progress_path.read_bytes() == step(1) + step(2)


def test_attempts_and_submissions_become_one_file_in_their_order(
    mirror: Mirror, storage: Storage
) -> None:
    storage.put(FIRST, step(1) + step(2)[:10])
    storage.put(SECOND, step(2, 2))
    storage.put("logs/progress-003.jsonl", step(3, 3), f"{RUN}-r2")
    storage.put(LOG, b"first", RUN)
    storage.put(LOG, b"second\n", f"{RUN}-r2")
    mirror.follow(storage.blobs, storage.read)
    assert mirror.progress_path.read_bytes() == step(1) + step(2, 2) + step(3, 3)
    assert mirror.log_path.read_bytes() == b"first\nsecond\n"


def test_a_log_that_was_begun_anew_is_added(mirror: Mirror, storage: Storage) -> None:
    storage.put(LOG, b"a long first attempt\n")
    mirror.follow(storage.blobs, storage.read)
    storage.put(LOG, b"again\n")
    mirror.follow(storage.blobs, storage.read)
    assert mirror.log_path.read_bytes() == b"a long first attempt\nagain\n"


def test_the_first_process_speaks_for_all(mirror: Mirror, storage: Storage) -> None:
    storage.put("user_logs/std_log_process_0.txt", b"zero\n")
    storage.put("user_logs/std_log_process_1.txt", b"one\n")
    mirror.follow(storage.blobs, storage.read)
    assert mirror.log_path.read_bytes() == b"zero\n"


def test_a_restarted_bot_goes_on_where_it_was(
    mirror: Mirror, storage: Storage, tmp_path: Path
) -> None:
    storage.put(LOG, b"one\n")
    mirror.follow(storage.blobs, storage.read)
    storage.add(LOG, b"two\n")
    again = Mirror(tmp_path / RUN)
    again.follow(storage.blobs, storage.read)
    assert again.log_path.read_bytes() == b"one\ntwo\n"
    assert storage.reads[-1] == (LOG, 4, 4)


def test_what_a_crash_left_beyond_the_note_is_read_once(
    mirror: Mirror, storage: Storage, tmp_path: Path
) -> None:
    storage.put(LOG, b"one\n")
    mirror.follow(storage.blobs, storage.read)
    with mirror.log_path.open("ab") as file:
        file.write(b"tw")  # killed before the note
    storage.add(LOG, b"two\n")
    again = Mirror(tmp_path / RUN)
    again.follow(storage.blobs, storage.read)
    assert again.log_path.read_bytes() == b"one\ntwo\n"


def test_a_copy_without_its_note_is_made_anew(
    mirror: Mirror, storage: Storage, tmp_path: Path
) -> None:
    storage.put(LOG, b"one\n")
    mirror.follow(storage.blobs, storage.read)
    (tmp_path / RUN / "mirror.json").write_text("{")
    again = Mirror(tmp_path / RUN)
    again.follow(storage.blobs, storage.read)
    assert again.log_path.read_bytes() == b"one\n"


def test_a_file_that_vanishes_between_list_and_read_leaves_what_was_copied(
    mirror: Mirror, storage: Storage
) -> None:
    storage.put(LOG, b"one\n")
    mirror.follow(storage.blobs, storage.read)
    blobs = [replace(blob, bytes=99) for blob in storage.blobs]
    storage.data.clear()
    mirror.follow(blobs, storage.read)
    assert mirror.log_path.read_bytes() == b"one\n"


def test_a_run_without_files_leaves_no_folder(mirror: Mirror, storage: Storage) -> None:
    storage.put("outputs/report.json", b"{}")
    mirror.follow(storage.blobs, storage.read)
    assert mirror.is_empty
    assert not mirror.folder.exists()


def test_a_last_line_without_an_end_counts_once_nothing_is_added(
    mirror: Mirror, storage: Storage
) -> None:
    storage.put(LOG, b"one\ntwo")
    mirror.follow(storage.blobs, storage.read)
    files = mirror.files()
    assert files.log().total == 1
    storage.changed_at -= SILENCE + timedelta(seconds=1)
    quiet = Mirror(mirror.folder)
    quiet.follow(storage.blobs, storage.read)
    assert quiet.files().log().total == 2
