"""What pyproject.toml asks for and what requirements.lock gives are the same."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


@pytest.fixture
def asked(repository: Path) -> list[Requirement]:
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    return [Requirement(line) for group in groups for line in group]


@pytest.fixture
def locked(repository: Path) -> dict[str, str]:
    lines = (repository / "requirements.lock").read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pins}


def test_the_lock_satisfies_every_requirement(
    asked: list[Requirement], locked: dict[str, str]
) -> None:
    wrong = [
        str(one) for one in asked if not one.specifier.contains(locked[canonicalize_name(one.name)])
    ]
    assert wrong == []


def test_the_lock_holds_what_each_requirement_needs_in_turn(
    asked: list[Requirement], locked: dict[str, str]
) -> None:
    missing, todo, seen = [], [canonicalize_name(one.name) for one in asked], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name not in locked:
            missing.append(name)
            continue
        needs = [Requirement(line) for line in metadata.requires(name) or ()]
        todo += [
            canonicalize_name(one.name)
            for one in needs
            if one.marker is None or one.marker.evaluate({"extra": ""})
        ]
    assert missing == []


def test_torch_is_locked_without_a_build_so_that_each_machine_picks_its_own(
    locked: dict[str, str],
) -> None:
    assert "+" not in locked["torch"]
