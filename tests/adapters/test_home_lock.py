"""One bot per home: the second is refused with the name of the first; a dead one holds nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.adapters.home_lock import HomeLock
from bot.errors import SetupError

HOLDER = """
import sys, time
from pathlib import Path
from bot.adapters.home_lock import HomeLock
with HomeLock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_bot_is_refused_and_told_who_is_there(tmp_path: Path) -> None:
    with (
        HomeLock(tmp_path),
        pytest.raises(SetupError, match=rf"process {os.getpid()}\).*KRSP_HOME"),
        HomeLock(tmp_path),
    ):
        pass


def test_a_home_is_free_again_when_its_bot_has_ended(tmp_path: Path) -> None:
    with HomeLock(tmp_path):
        pass
    with HomeLock(tmp_path):
        assert (tmp_path / "serve.lock").read_text() == f"{os.getpid()}\n"


def test_a_killed_bot_holds_nothing(tmp_path: Path, repository: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=repository, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(SetupError, match=f"process {holder.pid}"):
        HomeLock(tmp_path).take()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    with HomeLock(tmp_path):
        pass


def test_a_home_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match="Choose another KRSP_HOME"):
        HomeLock(tmp_path / "file").take()
