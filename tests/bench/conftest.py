"""Benchmarks: `bench_*.py`, collected by `make bench` alone; numbers go to bench/results."""

import json
import os
import platform
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).parent.parent.parent / "bench" / "results" / "results.jsonl"
ROWS = pytest.StashKey[list[tuple[str, str, float]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """Take a benchmark only where this folder was asked for: `make test` times nothing."""
    is_asked = any("bench" in str(argument) for argument in parent.config.args)
    if is_asked and file_path.name.startswith("bench_") and file_path.suffix == ".py":
        return pytest.Module.from_parent(parent, path=file_path)
    return None


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Return a function that notes a number with its unit: a JSON line, and a row of the table."""

    def note(what: str, value: float, unit: str, **about: Any) -> None:
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "what": what,
            "value": round(value, 4),
            "unit": unit,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            **about,
        }
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        with RESULTS.open("a") as file:
            file.write(json.dumps(line) + "\n")
        request.config.stash[ROWS].append((what, unit, value))

    return note


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash.get(ROWS, [])
    if not rows:
        return
    terminalreporter.section("benchmarks")
    for what, unit, value in rows:
        terminalreporter.write_line(f"{what:<64} {value:>12,.2f} {unit}")
