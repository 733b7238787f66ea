"""A process that meets another one of its run for ever: `python -m tests.trainer.waiting DIR`."""

import os
import sys
from pathlib import Path

from tests.trainer.small import context_of, small_spec
from trainer.contract.progress import Phase, PhaseLine
from trainer.group import wait_for_all
from trainer.processes import Seat
from trainer.pulse import together


def main(output: Path) -> None:
    """Meet the other, say so, and go on meeting it."""
    seat = Seat.of(os.environ)
    context = context_of(small_spec(), output.parent, output=output, seat=seat)
    with together(context, os.environ):
        context.progress.write(PhaseLine, phase=Phase.TRAIN)
        while True:
            wait_for_all()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
