"""How fast we train beside others: same model, rows, steps, loss, arithmetic and allocator.

`make bench PYTEST_ARGS="-k race"`; KRSP_RACE_ROUNDS and KRSP_RACE_ENTRIES say how much of it.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.bench.race import material
from tests.bench.race.heat import CEILINGS, OURS, PEERS, Ground, lines, medians, race, ratios
from tests.bench.race.peers import NotInstalledError, llama_factory
from trainer.precision import WIDE, precision_on, this_device

Record = Callable[..., None]
CACHE = Path(__file__).parents[2] / "bench" / "cache"
ROUNDS = int(os.environ.get("KRSP_RACE_ROUNDS", "3"))
ENTRIES = os.environ.get("KRSP_RACE_ENTRIES", ",".join([*PEERS, *OURS, *CEILINGS])).split(",")


@pytest.fixture
def ground(tmp_path: Path) -> tuple[Ground, list[str]]:
    """Return the ground, and who cannot run on it with the reason."""
    material.make(tmp_path / "material")
    # The defaults of TRL are bf16 whatever the machine; where that is emulated it takes fifty
    # times as long, and everybody gets fp32 instead.
    precision = precision_on(this_device(), "auto", width=WIDE)
    pythons, missing = {}, []
    if any(entry.startswith("lf ") for entry in ENTRIES):
        try:
            pythons["lf"] = llama_factory(CACHE)
        except NotInstalledError as error:
            missing.append(f"LLaMA-Factory is left out: {error}")
    ground = Ground(tmp_path / "material", tmp_path / "scratch", precision.is_bf16, pythons)
    return ground, [precision.in_words, *missing]


def test_the_race(
    record: Record, ground: tuple[Ground, list[str]], request: pytest.FixtureRequest
) -> None:
    place, notes = ground
    entries = [one for one in ENTRIES if not one.startswith("lf ") or "lf" in place.pythons]
    results = race(entries, ROUNDS, place.run)
    table = {entry: medians(found) for entry, found in results.items()}
    write = request.config.get_terminal_writer().line
    for line in ("", *notes, *lines(table)):
        write(line)
    for entry, one in table.items():
        for key, unit in (("tokens_per_s", "tokens/s"), ("cpu_s_per_ktok", "CPU-s/1k tokens")):
            if key in one:
                record(f"training, {entry}", one[key], unit, rounds=ROUNDS)
    by_time = ratios(table, "cpu_s_per_ktok")
    for name, ratio in by_time.items():
        record(f"training, ours to {name}, by processor time", ratio, "times", rounds=ROUNDS)
    assert by_time.get("best peer", 2.0) > 1
