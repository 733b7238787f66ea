"""What one attempt at a run works with: its spec, its folders, where it reports, when to stop."""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from trainer.contract.spec import RunSpec
from trainer.outside import Outside
from trainer.processes import Seat
from trainer.progress import Progress

# `on` or `off`, whatever the spec leaves open: a run that is reproduced does as it did.
COMPILE = "KRSP_COMPILE"


@dataclass
class StopFlag:
    """Set by SIGTERM or SIGINT, read between optimizer steps; nothing else happens in a handler."""

    signal_name: str = ""

    @property
    def is_set(self) -> bool:
        """Return whether somebody asked to stop."""
        return bool(self.signal_name)

    def listen(self) -> None:
        """Raise the flag on SIGTERM (a machine is taken away) and SIGINT (Ctrl-C)."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._raise)

    def _raise(self, number: int, _frame: FrameType | None) -> None:
        self.signal_name = signal.Signals(number).name


@dataclass(frozen=True)
class Context:
    """One attempt. `home` is `KRSP_HOME`; relative paths in the spec count from `workdir`.

    `cache` takes what can be made again: tokenizers, encoded data, base models.
    """

    spec: RunSpec
    spec_sha256: str
    output: Path
    home: Path
    cache: Path
    workdir: Path
    run_id: str
    attempt: int
    progress: Progress
    tracking_uri: str | None = None
    every_step: bool = False  # gets a line of progress, however fast they come
    stop: StopFlag = field(default_factory=StopFlag)
    outside: Outside = field(default_factory=Outside)
    job_attempt: int = 1  # of the job that this is part of; `attempt` counts all of the run
    seat: Seat = field(default_factory=Seat)  # only the first process reports
    hub_is_off: bool = False  # nothing may be fetched from it
    compiles: bool | None = None  # as the run did that this one repeats; else as the spec says
    shared: Path | None = None  # of all processes on this machine; default: `output`

    @property
    def ranks(self) -> int:
        """Return how many processes the run has."""
        return self.seat.ranks

    @property
    def is_first(self) -> bool:
        """Return whether this process speaks for all."""
        return self.seat.is_first

    @property
    def checkpoints(self) -> Path:
        """Return the folder of this run's checkpoints on this machine."""
        return (self.shared or self.output) / "checkpoints"

    @property
    def model_folder(self) -> Path:
        """Return where the trained model goes."""
        return self.output / "model"
