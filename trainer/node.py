"""What this process is on its machine: which attempt, which of several processes, its folders."""

import argparse
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.contract.azure_job import progress_file
from trainer.outside import Outside, begin_attempt
from trainer.processes import Seat
from trainer.progress import Progress

INPUT = re.compile(r"train|eval|base|mix\d{1,2}")  # what a job may be given to read


@dataclass(frozen=True)
class Node:
    """`attempt` counts over all of the run, `job_attempt` over this job.

    `output` is this process's own folder, `shared` that of all processes on its machine.
    """

    output: Path
    shared: Path
    outside: Outside
    attempt: int
    job_attempt: int
    seat: Seat

    @classmethod
    def of(cls, options: argparse.Namespace, env: Mapping[str, str]) -> "Node":
        """Return what the command line and a launcher's variables say.

        Raises `BadSpecError` for variables that contradict each other.
        """
        seat = Seat.of(env)
        outside = Outside(
            inputs=dict(options.input),
            keep=options.keep,
            model=options.model,
            logs=options.logs,
            artifacts=options.artifacts,
        )
        attempt = options.attempt or int(env.get("KRSP_ATTEMPT", "0"))
        number, of_job = attempt or 1, 1
        if not attempt and outside.keep is not None and seat.is_first:
            number, of_job = begin_attempt(outside.keep, env.get("KRSP_JOB_NAME", ""))
        output = options.output.absolute()
        # Processes of one machine share its disk: each has a folder of its own for what it says.
        own = output if seat.is_first else output / f"rank-{seat.rank}"
        return cls(own, output, outside, number, of_job, seat)

    @property
    def is_first(self) -> bool:
        """Return whether this process speaks for all."""
        return self.seat.is_first

    def progress(self, *, as_json: bool, say: Callable[[str], None]) -> Progress:
        """Open the progress file: among the logs where they are given, one file an attempt."""
        logs = self.outside.logs if self.is_first else None
        place = self.output if logs is None else logs / progress_file(self.attempt)
        return Progress(place, attempt=self.attempt, say=say, as_json=as_json)
