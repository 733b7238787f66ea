"""The scripts that set up the project, on inputs that a good machine never shows."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

GIT = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com"]


def run(
    *command: str | Path, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a folder with the few tools that the scripts use, to stand as the whole PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "env", "cat", "rm", "mktemp", "tail", "grep", "tr", "cut", "sleep"):
        (folder / name).symlink_to(shutil.which(name) or name)
    return folder


def test_a_stage_that_fails_shows_its_output_and_passes_its_code_on(repository: Path) -> None:
    result = run(".ci/stage", "A stage", "bash", "-c", "echo the cause; exit 7", cwd=repository)
    assert result.returncode == 7
    assert "the cause" in result.stdout
    assert "A stage: FAILED" in result.stderr


def test_a_stage_that_succeeds_keeps_its_output_to_itself(repository: Path) -> None:
    result = run(".ci/stage", "A stage", "echo", "noise", cwd=repository)
    assert result.returncode == 0
    assert "noise" not in result.stdout
    assert "done in" in result.stdout


def test_a_python_that_is_too_old_is_refused_with_what_to_do(
    repository: Path, tmp_path: Path
) -> None:
    old = program(tmp_path / "python3", "exit 1")
    result = run(".ci/create-venv", old, tmp_path / "venv", cwd=repository)
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_a_named_chromium_that_does_not_exist_is_refused(repository: Path) -> None:
    result = run(".ci/chromium", cwd=repository, env={"KRSP_CHROMIUM": "/no/such/browser"})
    assert result.returncode == 1
    assert "/no/such/browser" in result.stderr


def test_a_chromium_on_the_path_is_found(repository: Path, tools: Path) -> None:
    browser = program(tools / "chromium", "exit 0")
    result = run(".ci/chromium", cwd=repository, env={"PATH": str(tools), "KRSP_CHROMIUM": ""})
    assert result.stdout.strip() == str(browser)


def test_an_account_that_cannot_install_chromium_is_told_how(repository: Path, tools: Path) -> None:
    program(tools / "id", "echo 1000")
    result = run(".ci/chromium", cwd=repository, env={"PATH": str(tools), "KRSP_CHROMIUM": ""})
    assert result.returncode == 1
    assert "sudo apt-get install -y chromium" in result.stderr


def test_make_alone_lists_every_target_that_people_rely_on(repository: Path) -> None:
    listed = run("make", cwd=repository).stdout
    for target in ("setup", "demo", "test", "check", "bench", "clean", "fmt", "lock", "generate"):
        assert f"make {target} " in listed


def test_make_clean_leaves_the_repository_and_the_settings_alone(
    repository: Path, tmp_path: Path
) -> None:
    for file in ("Makefile", ".gitignore"):
        shutil.copy(repository / file, tmp_path)
    run(*GIT, "init", "-q", cwd=tmp_path)
    run(*GIT, "add", ".", cwd=tmp_path)
    run(*GIT, "commit", "-q", "-m", "Start", cwd=tmp_path)
    for made in (".venv/bin/x", "client/node_modules/x", "client/dist/x", ".krsp/krsp.db", ".env"):
        (tmp_path / made).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / made).write_text("made")
    (tmp_path / "new.py").write_text("'''Not committed yet.'''")

    result = run("make", "clean", cwd=tmp_path)

    assert result.returncode == 0, result.stderr
    left = {path.name for path in tmp_path.iterdir()}
    assert left >= {".git", ".gitignore", ".env", "Makefile", "new.py"}
    assert not left & {".venv", ".krsp"}
    assert not list((tmp_path / "client").glob("*"))
