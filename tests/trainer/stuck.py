"""A run whose third step never ends: `python -m tests.trainer.stuck FOLDER`, a process to end."""

import sys
import threading
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from tests.trainer.faults import attempt_at
from tests.trainer.small import context_of, small_spec

STALL_S = 4.0


class NeverEnds(TrainerCallback):
    """Waits for what never comes, as a read from a mount that is gone."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 2:
            self.wait_for_a_mount_that_is_gone()

    def wait_for_a_mount_that_is_gone(self) -> None:
        threading.Event().wait()


if __name__ == "__main__":
    spec = small_spec(guard={"stall_s": STALL_S})
    attempt_at(context_of(spec, Path(sys.argv[1])), NeverEnds()).train()
