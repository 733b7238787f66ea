"""What each runner of the race is told, measures and prints; needs nothing but Python."""

import json
import os
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STEPS = int(os.environ.get("RACE_STEPS", "10"))
# The first steps allocate and compile; they are not counted.
WARM_STEPS = int(os.environ.get("RACE_WARM", "4"))
ROWS = 8  # of a batch, for those who count in rows
MAX_LENGTH = 1024
LR = 3e-4


@dataclass(frozen=True)
class Task:
    """What to run: folder of the material, folder for all that is written, and the variant."""

    material: Path
    scratch: Path
    variant: str
    is_bf16: bool

    @classmethod
    def given(cls) -> "Task":
        """Return what the one argument on the command line says."""
        said = json.loads(sys.argv[1])
        scratch = Path(said["scratch"])
        scratch.mkdir(parents=True, exist_ok=True)
        return cls(Path(said["material"]), scratch, said["variant"], said["is_bf16"])

    @property
    def common(self) -> dict[str, Any]:
        """Return the arguments that transformers' trainers get from all: no side effects."""
        return {
            "output_dir": str(self.scratch / "out"),
            "max_steps": STEPS,
            "learning_rate": LR,
            "bf16": self.is_bf16,
            "use_cpu": True,
            "report_to": "none",
            "save_strategy": "no",
            "disable_tqdm": True,
            "seed": 0,
        }


def age_s() -> float:
    """Return the seconds since this process was started, its interpreter's own start included.

    Field 22 of /proc/PID/stat counts ticks since the boot (man proc_pid_stat).
    """
    stat = Path("/proc/self/stat").read_text("utf-8").rpartition(")")[2].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[19]) / os.sysconf("SC_CLK_TCK")


@dataclass
class Gauge:
    """Wall and CPU time at the end of each step, real tokens so far, and how it all started."""

    marks: dict[str, tuple[float, float]] = field(default_factory=dict)
    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)
    count: int = 0
    slot_count: int = 0

    def mark(self, name: str) -> None:
        """Note that a part of the start is over: imports, data, model, first step."""
        self.marks[name] = age_s(), time.process_time()

    def saw(self, tokens: int, slots: int) -> None:
        """Add a forward pass: its real tokens, and the slots that were computed for them."""
        self.count += tokens
        self.slot_count += slots

    def step(self) -> None:
        """Note the end of an optimizer step."""
        if not self.walls:
            self.mark("first step")
        self.walls.append(time.perf_counter())
        self.cpus.append(time.process_time())  # of all threads
        self.tokens.append(self.count)
        self.slots.append(self.slot_count)

    def tell(self) -> None:
        """Print one JSON line: the last line of a runner's output."""

        def gain(values: list[Any]) -> Any:
            return values[-1] - values[WARM_STEPS - 1]

        tokens, start = gain(self.tokens), self.marks["first step"]
        found = {
            "tokens_per_s": tokens / gain(self.walls),
            "cpu_s_per_ktok": 1000 * gain(self.cpus) / tokens,
            "filled": tokens / gain(self.slots),
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "start_s": start[0],
            "start_cpu_s": start[1],
            "parts_s": self._parts(0),
            "parts_cpu_s": self._parts(1),
        }
        sys.stdout.write("\n" + json.dumps(found) + "\n")

    def _parts(self, which: int) -> dict[str, float]:
        before, found = 0.0, {}
        for name, marks in self.marks.items():
            found[name] = round(marks[which] - before, 2)
            before = marks[which]
        return found
