"""Which allocator a training process gets, and what is said of it."""

from pathlib import Path

import pytest

from trainer.contract.allocator import PRELOAD, loaded_allocator, with_allocator
from trainer.hardware import hardware


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "libtcmalloc_minimal.so.4").touch()
    return tmp_path


def test_tcmalloc_is_loaded_first_where_it_is_installed(folder: Path) -> None:
    found = with_allocator({"A": "1", PRELOAD: "/x/libfoo.so"}, [folder])
    assert found["A"] == "1"
    assert found[PRELOAD] == f"/x/libfoo.so {folder}/libtcmalloc_minimal.so.4"
    assert int(found["TCMALLOC_LARGE_ALLOC_REPORT_THRESHOLD"]) > 10**15


@pytest.mark.parametrize(
    "environment", [{"KRSP_ALLOCATOR": "system"}, {PRELOAD: "/x/libjemalloc.so.2"}]
)
def test_an_allocator_that_somebody_chose_stays(folder: Path, environment: dict[str, str]) -> None:
    assert with_allocator(environment, [folder]) == environment


def test_nothing_changes_where_it_is_not_installed(tmp_path: Path) -> None:
    assert with_allocator({"A": "1"}, [tmp_path]) == {"A": "1"}


def test_the_allocator_of_a_process_is_read_off_its_memory() -> None:
    own = "7f-8f r-xp 0 08:01 1 /venv/site-packages/pyarrow/libjemalloc.so.2\n"
    first = "7f-8f r-xp 0 08:01 1 /usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4.5.10\n"
    assert loaded_allocator(own + first) == "tcmalloc"
    assert loaded_allocator(own) == "the C library's"
    assert hardware().allocator
