"""`python -m trainer snapshot`: copy the trainer's code, named by its hash, to run exactly that."""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from trainer.checkpoint import write_whole

PACKAGE = Path(__file__).parent
SNAPSHOT = "snapshot.json"
LOCK = "requirements.lock"
_KEPT = (".py", ".yaml", ".json", ".typed")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", required=True, type=Path, help="folder for the copy")
    parser.add_argument(
        "--vso", action="store_true", help="also set the pipeline variable codeSha256"
    )


def main(options: argparse.Namespace) -> int:
    """Copy the package and print `{code_sha256, commit, dirty}`; return 0."""
    found = take_snapshot(options.output)
    sys.stdout.write(json.dumps(found) + "\n")
    if options.vso:
        name = "##vso[task.setvariable variable=codeSha256;isOutput=true]"
        sys.stdout.write(f"{name}{found['code_sha256']}\n")
    return 0


def take_snapshot(output: Path) -> dict[str, str | bool | None]:
    """Copy the running package to `output`/trainer, with `snapshot.json` beside it."""
    target = output / "trainer"
    shutil.rmtree(target, ignore_errors=True)
    for path in _files(PACKAGE):
        copy = target / path.relative_to(PACKAGE)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    found = {"code_sha256": code_hash(output), "lock_sha256": lock_hash(), **commit_of()}
    write_whole(output / SNAPSHOT, json.dumps(found))
    return found


def code_hash(folder: Path) -> str:
    """Return the sha256 over the names and contents of the code in `folder`/trainer."""
    digest = hashlib.sha256()
    root = folder / "trainer"
    for path in _files(root):
        name = path.relative_to(root).as_posix().encode()
        content = path.read_bytes()
        digest.update(b"%d:%s%d:" % (len(name), name, len(content)))
        digest.update(content)
    return digest.hexdigest()


def lock_hash() -> str | None:
    """Return the sha256 of the lock file that the code stands beside; None outside a checkout."""
    path = PACKAGE.parent / LOCK
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _files(root: Path) -> list[Path]:
    return sorted(
        path
        for path in root.rglob("*")
        if path.suffix in _KEPT and "__pycache__" not in path.parts and path.is_file()
    )


def commit_of() -> dict[str, str | bool | None]:
    """Return the commit that the code stands at, and whether it has changes beyond it."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "dirty": False}
    return {"commit": commit, "dirty": bool(_git("status", "--porcelain", "--", str(PACKAGE)))}


def _git(*arguments: str) -> str | None:
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run(
        [git, "-C", str(PACKAGE), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() if done.returncode == 0 else None
