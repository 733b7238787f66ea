"""Each import contract is broken once on purpose, to see that it bites."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

# Contract -> the file to add a line to (or to make), and the line that must be refused.
BREAKS = {
    "bot: each layer knows only those below it": ("bot/domain/policy.py", "import bot.service"),
    "bot.adapters: no adapter knows another": (
        "bot/adapters/memory/__init__.py",
        "import bot.adapters.sql",
    ),
    "bot: nothing of trainer but trainer.contract": ("bot/web/schema.py", "import trainer.packed"),
    "trainer: does not know that the bot exists": ("trainer/errors.py", "import bot.errors"),
    "trainer.contract: pydantic and nothing heavier": ("trainer/contract/spec.py", "import torch"),
    "bot: the core touches neither network, disk nor processes": (
        "bot/domain/cost.py",
        "import subprocess",
    ),
    "bot.teams alone imports the Bot Framework": (
        "bot/web/schema.py",
        "import botbuilder.schema",
    ),
    "Azure's SDKs: bot.adapters.azure and the trainer's own verbs": (
        "bot/web/schema.py",
        "import azure.identity",
    ),
}


@pytest.fixture
def copy(tmp_path: Path, repository: Path) -> Path:
    """Return a copy of the packages and of the contracts, to be spoilt."""
    leave = shutil.ignore_patterns("__pycache__", "*.db")
    for package in ("bot", "trainer"):
        shutil.copytree(repository / package, tmp_path / package, ignore=leave)
    shutil.copy(repository / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_every_contract_has_a_way_to_break_it(repository: Path) -> None:
    settings = tomllib.loads((repository / "pyproject.toml").read_text())
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == set(BREAKS)


def test_the_code_as_it_stands_keeps_every_contract(copy: Path) -> None:
    result = lint_imports(copy)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("contract", BREAKS)
def test_a_broken_contract_is_named(copy: Path, contract: str) -> None:
    file, line = BREAKS[contract]
    with (copy / file).open("a", encoding="utf-8") as module:
        module.write(f"\n{line}\n")
    result = lint_imports(copy)
    assert result.returncode == 1, result.stdout + result.stderr
    assert f"{contract} BROKEN" in result.stdout


def test_a_module_that_no_layer_names_is_refused(copy: Path) -> None:
    (copy / "bot" / "oddments.py").write_text('"""Nobody said where this belongs."""\n')
    result = lint_imports(copy)
    assert result.returncode == 1
    assert "oddments" in result.stdout
