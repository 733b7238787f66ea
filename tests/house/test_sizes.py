"""The limits of size that no linter knows."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

MODULE_LINES = 300
FUNCTION_LINES = 40

LONGER_FUNCTIONS = {
    "bot/domain/picture.py": 47,  # a field a line, nothing else
}

ROOT = Path(__file__).parent.parent.parent
MODULES = sorted(path for top in ("bot", "trainer") for path in (ROOT / top).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    limit = LONGER_FUNCTIONS.get(name(path), FUNCTION_LINES)
    too_long = {
        node.name: lines
        for node in functions(path)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > limit
    }
    assert not too_long
