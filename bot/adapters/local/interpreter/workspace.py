"""A job's own folders, and the copy of the repository that `checkout: self` puts there."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

GIT_TIMEOUT_S = 120.0
_SOURCE = "source"  # what git calls the repository while it is cloned

# Never the subject of a pipeline, and large: left out where no `.gitignore` says so.
_CACHES = frozenset(
    {
        ".git",
        ".hypothesis",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        "__pycache__",
        "node_modules",
    }
)


@dataclass(frozen=True)
class Workspace:
    """The folders of one job, named as on the agent."""

    root: Path

    @property
    def sources(self) -> Path:
        return self.root / "s"

    @property
    def artifacts(self) -> Path:
        return self.root / "a"

    @property
    def binaries(self) -> Path:
        return self.root / "b"

    @property
    def temporary(self) -> Path:
        return self.root / "_temp"

    def create(self) -> None:
        """Make the folders, empty."""
        shutil.rmtree(self.root, ignore_errors=True)
        for folder in (self.sources, self.artifacts, self.binaries, self.temporary):
            folder.mkdir(parents=True)

    def remove(self) -> None:
        """Free the space."""
        shutil.rmtree(self.root, ignore_errors=True)


@dataclass(frozen=True)
class Revision:
    """What is checked out; both are empty outside git."""

    commit: str = ""
    branch: str = ""


def revision(repository: Path) -> Revision:
    """Return the commit and branch of `repository`, as Azure would name them."""
    commit = _git(repository, "rev-parse", "HEAD")
    if commit is None:
        return Revision()
    branch = _git(repository, "symbolic-ref", "--quiet", "HEAD")
    return Revision(commit.strip(), (branch or "").strip())


def check_out(repository: Path, target: Path, *, without: Path | None) -> int:
    """Copy the repository as it lies there into `target`; return the number of files.

    Changes that are not committed come along: a local run tries what the person has. `target`
    becomes a git checkout of the same commit, so that these show as changes and the commits before
    it can be read. `without` is left out, if given.
    """
    _link(repository, target)
    count = 0
    for path in _files(repository):
        source = repository / path
        if without is not None and source.is_relative_to(without):
            continue
        if not (source.is_file() or source.is_symlink()):
            continue
        destination = target / path
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, destination, follow_symlinks=False)
        count += 1
    return count


def copy_into(source: Path, target: Path) -> None:
    """Copy a file, or what is in a folder, into the folder `target`; raises FileNotFoundError."""
    target.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
    else:
        shutil.copy2(source, target / source.name)


def _link(repository: Path, target: Path) -> None:
    """Give `target` a git directory of its own that reads the commits of `repository`.

    It has no remote, so no step pushes into the repository that a person works in.
    """
    if _git(repository, "rev-parse", "HEAD") is None:
        return
    clone = ("clone", "--quiet", "--shared", "--no-checkout", "--origin", _SOURCE)
    # Without a directory of its own, git would take one further up for it, and reset that.
    if _git(target.parent, *clone, "--", str(repository), str(target)) is not None:
        _git(target, "remote", "remove", _SOURCE)
        _git(target, "reset", "--quiet")


def _files(repository: Path) -> Iterator[Path]:
    listed = _git(repository, "ls-files", "-z", "-co", "--exclude-standard", "--deduplicate")
    if listed is not None:
        yield from (Path(name) for name in listed.split("\0") if name)
        return
    folders = [repository]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in _CACHES:
                continue
            if path.is_dir() and not path.is_symlink():
                folders.append(path)
            else:
                yield path.relative_to(repository)


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git prints; None where it is not installed or refuses."""
    program = shutil.which("git")
    if program is None:
        return None
    done = subprocess.run(
        [program, "-C", str(folder), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=GIT_TIMEOUT_S,
    )
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None
