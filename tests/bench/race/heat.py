"""Who runs, in which order, and what comes of it: medians, ratios, the table."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.contract.allocator import with_allocator

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
PEERS = ("hf default", "trl default", "trl best", "lf default", "lf best")
OURS = ("ours eager", "ours compiled")
CEILINGS = ("bare eager", "bare compiled")
# The least that ours should reach, of whichever row is its better one: (to what, how often).
TARGETS = {"trl default": 9.0, "best peer": 2.0, "ceiling": 0.9}
# Of a run that does not end: the slowest row takes a quarter of this on two quiet cores.
TIMEOUT_S = 3600

Result = dict[str, Any]


@dataclass(frozen=True)
class Ground:
    """Where everybody runs: the material, a folder to write in, and the arithmetic for all."""

    material: Path
    scratch: Path
    is_bf16: bool
    pythons: Mapping[str, Path]

    def run(self, entry: str) -> Result:
        """Run one entry (`trl best`) in a process of its own; return what it told."""
        name, variant = entry.split()
        said = {
            "material": str(self.material),
            "scratch": str(self.scratch / f"{name}-{variant}"),
            "variant": variant,
            "is_bf16": self.is_bf16,
        }
        python = self.pythons.get(name, Path(sys.executable))
        done = subprocess.run(
            [str(python), str(HERE / f"run_{name}.py"), json.dumps(said)],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_S,
            env=environment(ours=name in {"ours", "bare"}),
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word"])[-1]
            return {"error": last[:200]}
        found: Result = json.loads(done.stdout.strip().splitlines()[-1])
        return found


def environment(*, ours: bool) -> dict[str, str]:
    """Return what every runner gets: the same allocator, threads that do not spin, no hub."""
    path = f"{ROOT}{os.pathsep}{HERE}" if ours else str(HERE)
    return with_allocator(
        {
            **os.environ,
            "PYTHONPATH": path,
            "OMP_WAIT_POLICY": "PASSIVE",
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "true",
        }
    )


def race(
    entries: Sequence[str], rounds: int, run: Callable[[str], Result]
) -> dict[str, list[Result]]:
    """Run all entries one after the other, `rounds` times: whatever disturbs, disturbs all."""
    found: dict[str, list[Result]] = {entry: [] for entry in entries}
    for _ in range(rounds):
        for entry in entries:
            if found[entry] and "error" in found[entry][-1]:
                continue
            found[entry].append(run(entry))
    return found


def medians(results: Sequence[Result]) -> Result:
    """Return the median of each number; an entry that failed keeps its last words."""
    if any("error" in one for one in results):
        return results[-1]
    numbers = [key for key, value in results[0].items() if isinstance(value, int | float)]
    found: Result = {key: statistics.median(one[key] for one in results) for key in numbers}
    middle = sorted(results, key=lambda one: one["start_cpu_s"])[len(results) // 2]
    return found | {"parts_s": middle["parts_s"], "parts_cpu_s": middle["parts_cpu_s"]}


def speed(result: Result, key: str) -> float:
    """Return tokens a second, by the clock or by the processor's time."""
    return float(result[key]) if key == "tokens_per_s" else 1000 / float(result[key])


def ratios(table: Mapping[str, Result], key: str) -> dict[str, float]:
    """Return how often as fast ours is as each target's other side, where both have run."""
    done = {entry: speed(one, key) for entry, one in table.items() if "error" not in one}
    ours = max((done[entry] for entry in OURS if entry in done), default=None)
    if ours is None:
        return {}
    sides = {
        "trl default": done.get("trl default"),
        "best peer": max((done[entry] for entry in PEERS if entry in done), default=None),
        "ceiling": max((done[entry] for entry in CEILINGS if entry in done), default=None),
    }
    return {name: ours / value for name, value in sides.items() if value is not None}


def lines(table: Mapping[str, Result]) -> list[str]:
    """Return the table to read."""
    head = f"{'':<14} {'tokens/s':>9} {'CPU-s/1k':>9} {'filled':>7} {'GB':>5} "
    found = [f"{head}{'first step':>11} {'in CPU-s':>9}  of it, CPU-s"]
    for entry, one in table.items():
        if "error" in one:
            found.append(f"{entry:<14} not run: {one['error']}")
            continue
        parts = ", ".join(f"{name} {value:.1f}" for name, value in one["parts_cpu_s"].items())
        found.append(
            f"{entry:<14} {one['tokens_per_s']:>9,.0f} {one['cpu_s_per_ktok']:>9.3f} "
            f"{one['filled']:>7.2f} {one['peak_bytes'] / 1e9:>5.1f} {one['start_s']:>10.1f}s "
            f"{one['start_cpu_s']:>9.1f}  {parts}"
        )
    for key, how in (("tokens_per_s", "by the clock"), ("cpu_s_per_ktok", "by processor time")):
        for name, ratio in ratios(table, key).items():
            verdict = "reached" if ratio >= TARGETS[name] else "MISSED"
            found.append(
                f"ours to {name}, {how}: {ratio:.2f} (target {TARGETS[name]:g}: {verdict})"
            )
    return found
