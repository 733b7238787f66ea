"""The generated reference pages cannot go stale unnoticed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def docs(tmp_path: Path, repository: Path) -> Path:
    shutil.copytree(repository / "docs", tmp_path / "docs")
    return tmp_path / "docs"


def check(docs: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(docs / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_page_that_was_edited_by_hand_is_named(docs: Path) -> None:
    page = docs / "reference" / "recipes.md"
    page.write_text(page.read_text().replace("Recipes", "Recipies"))
    result = check(docs)
    assert result.returncode == 1
    assert "docs/reference/recipes.md" in result.stderr
    assert "docs/reference/run-spec.md" not in result.stderr


def test_the_check_writes_nothing(docs: Path) -> None:
    page = docs / "reference" / "commands.md"
    page.write_text("old")
    check(docs)
    assert page.read_text() == "old"
