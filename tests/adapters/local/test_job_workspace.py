"""What `checkout: self` copies, from git and without it."""

import os
import subprocess
from pathlib import Path

import pytest

from bot.adapters.local.interpreter.workspace import (
    Revision,
    Workspace,
    check_out,
    copy_into,
    revision,
)


def git(folder: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "Ada",
        "GIT_AUTHOR_EMAIL": "ada@example.org",
        "GIT_COMMITTER_NAME": "Ada",
        "GIT_COMMITTER_EMAIL": "ada@example.org",
    }
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a checkout with a commit, a change, a new file and things to leave out."""
    root = tmp_path / "repository"
    (root / "deep").mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (root / ".gitignore").write_text("*.log\n")
    (root / "kept.txt").write_text("old\n")
    (root / "gone.txt").write_text("x\n")
    (root / "deep" / "run.sh").write_text("#!/bin/sh\n")
    (root / "deep" / "run.sh").chmod(0o755)
    (root / "link").symlink_to("kept.txt")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "First")
    (root / "kept.txt").write_text("new\n")
    (root / "gone.txt").unlink()
    (root / "untracked ä.txt").write_text("u\n")
    (root / "noise.log").write_text("n\n")
    (root / "home").mkdir()
    (root / "home" / "krsp.db").write_text("d\n")
    return root


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    workspace = Workspace(tmp_path / "work")
    workspace.create()
    return workspace


def names(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if ".git" not in path.parts and (path.is_file() or path.is_symlink())
    }


def test_the_files_as_they_lie_there_are_copied(repository: Path, workspace: Workspace) -> None:
    count = check_out(repository, workspace.sources, without=repository / "home")
    wanted = {".gitignore", "kept.txt", "deep/run.sh", "link", "untracked ä.txt"}
    assert names(workspace.sources) == wanted
    assert count == len(wanted)
    assert (workspace.sources / "kept.txt").read_text() == "new\n"
    assert os.access(workspace.sources / "deep" / "run.sh", os.X_OK)
    assert (workspace.sources / "link").is_symlink()


def test_the_copy_is_a_checkout_in_which_changes_show(
    repository: Path, workspace: Workspace
) -> None:
    check_out(repository, workspace.sources, without=repository / "home")
    assert git(workspace.sources, "rev-parse", "HEAD") == git(repository, "rev-parse", "HEAD")
    changes = git(workspace.sources, "status", "--porcelain", "-z").split("\0")
    assert sorted(filter(None, map(str.strip, changes))) == [
        "?? untracked ä.txt",
        "D gone.txt",
        "M kept.txt",
    ]


def test_the_repository_itself_is_left_as_it_was(repository: Path, workspace: Workspace) -> None:
    before = git(repository, "status", "--porcelain")
    check_out(repository, workspace.sources, without=repository / "home")
    (workspace.sources / "kept.txt").write_text("changed in the copy\n")
    assert git(repository, "status", "--porcelain") == before
    assert (repository / "kept.txt").read_text() == "new\n"


def test_the_copy_knows_the_commits_before_and_has_nowhere_to_push(
    repository: Path, workspace: Workspace
) -> None:
    git(repository, "commit", "-q", "-a", "-m", "Second")
    check_out(repository, workspace.sources, without=repository / "home")
    changed = git(workspace.sources, "diff", "--name-only", "HEAD^1", "HEAD")
    assert changed.split("\n") == ["gone.txt", "kept.txt"]
    assert git(workspace.sources, "remote") == ""


def test_a_commit_in_the_copy_stays_there(repository: Path, workspace: Workspace) -> None:
    def objects() -> set[Path]:
        return set((repository / ".git").rglob("*"))

    before, commit = objects(), git(repository, "rev-parse", "HEAD")
    check_out(repository, workspace.sources, without=repository / "home")
    git(workspace.sources, "commit", "-q", "-a", "-m", "Of a step")
    assert objects() == before
    assert git(repository, "rev-parse", "HEAD") == commit


def test_a_copy_that_cannot_be_linked_leaves_the_repository_around_it_alone(
    repository: Path, tmp_path: Path
) -> None:
    inside = repository / "home" / "work"
    inside.mkdir(parents=True)
    (inside / "in the way").touch()  # git clones into an empty folder only
    git(repository, "add", "kept.txt")
    check_out(repository, inside, without=repository / "home")
    assert (inside / "kept.txt").read_text() == "new\n"
    assert git(repository, "diff", "--cached", "--name-only") == "kept.txt"


def test_commit_and_branch_are_named_as_on_azure(repository: Path, tmp_path: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    assert revision(repository) == Revision(commit, "refs/heads/main")
    git(repository, "checkout", "-q", "--detach")
    assert revision(repository) == Revision(commit, "")
    assert revision(tmp_path) == Revision("", "")


def test_without_git_all_but_caches_is_copied(tmp_path: Path, workspace: Workspace) -> None:
    plain = tmp_path / "plain"
    for name in ("a.txt", "b/c.txt", "b/__pycache__/x.pyc", ".venv/bin/python", "home/krsp.db"):
        (plain / name).parent.mkdir(parents=True, exist_ok=True)
        (plain / name).write_text("x")
    check_out(plain, workspace.sources, without=plain / "home")
    assert names(workspace.sources) == {"a.txt", "b/c.txt"}


def test_a_repository_without_a_commit_is_copied_too(tmp_path: Path, workspace: Workspace) -> None:
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    git(fresh, "init", "-q")
    (fresh / "a.txt").write_text("x")
    check_out(fresh, workspace.sources, without=fresh / "home")
    assert names(workspace.sources) == {"a.txt"}


def test_a_file_and_a_folder_can_become_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "from" / "deep").mkdir(parents=True)
    (tmp_path / "from" / "deep" / "a.txt").write_text("a")
    (tmp_path / "one.txt").write_text("1")
    copy_into(tmp_path / "from", tmp_path / "to")
    copy_into(tmp_path / "one.txt", tmp_path / "to")
    assert names(tmp_path / "to") == {"deep/a.txt", "one.txt"}
    with pytest.raises(FileNotFoundError):
        copy_into(tmp_path / "none", tmp_path / "to")


def test_a_workspace_begins_empty_and_leaves_nothing(workspace: Workspace) -> None:
    (workspace.sources / "left").touch()
    workspace.create()
    assert names(workspace.root) == set()
    workspace.remove()
    assert not workspace.root.exists()
