"""What tests of the local profile start from."""

from pathlib import Path

import pytest

from tests.adapters.local.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """Return a workbench of the test's own, with an empty repository that is not git."""
    bench = Workbench(tmp_path)
    bench.repository.mkdir()
    return bench
