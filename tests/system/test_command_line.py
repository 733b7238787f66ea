"""The command line when something is amiss: a sentence, an exit code, no stack trace."""

import os
import socket
import sqlite3
import subprocess
import sys

import pytest

pytestmark = pytest.mark.system


@pytest.fixture
def bot(tmp_path, free_port, repository):
    """Return a function that runs `python -m bot ...` on a home of its own."""
    port = str(free_port())

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        given = {"KRSP_HOME": str(tmp_path / "home"), "KRSP_PORT": port, **settings}
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=repository,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def assert_refused(done: subprocess.CompletedProcess[str], *hints: str) -> None:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    for hint in hints:
        assert hint in done.stderr


def test_every_wrong_setting_is_named_at_once(bot):
    done = bot("serve", KRSP_PORT="0", KRSP_SLOTS="none", KRSP_TYPO="x")
    assert_refused(done, "KRSP_PORT", "KRSP_SLOTS", "KRSP_TYPO: there is no such setting")


def test_a_port_in_use_is_refused_with_its_number(bot):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_refused(bot("serve", KRSP_PORT=port), f"Port {port}", "KRSP_PORT")


def test_a_home_that_cannot_be_written_is_refused(bot, tmp_path):
    (tmp_path / "file").touch()
    done = bot("serve", KRSP_HOME=str(tmp_path / "file" / "home"))
    assert_refused(done, "Choose another KRSP_HOME")


def test_migrate_may_be_repeated(bot):
    assert [bot("migrate").returncode for _ in range(2)] == [0, 0]


def test_a_store_of_a_newer_version_is_left_alone(bot, tmp_path):
    assert bot("migrate").returncode == 0
    store = sqlite3.connect(tmp_path / "home" / "krsp.db")
    with store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    for verb in ("serve", "migrate"):
        assert_refused(bot(verb), "9999", "newer")


def test_asking_a_bot_that_does_not_run_says_how_to_start_it(bot):
    done = bot("ask", "help")
    assert done.returncode == 2
    assert "python -m bot serve" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_an_unknown_verb_lists_the_known_ones(bot):
    done = bot("sevre")
    assert done.returncode == 2
    assert "There is no `python -m bot sevre`" in done.stderr
    assert "serve" in done.stderr
