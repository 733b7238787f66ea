"""Notice that training stands still, say where, and end the process; keep how far it had come.

A thread of its own: whatever holds the main one up (a read that never returns, a process that
others wait for) holds signals and exceptions up with it.
"""

import faulthandler
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import TrainerCallback
from typing_extensions import override

from trainer.checkpoint import Totals, write_whole
from trainer.context import Context
from trainer.errors import StalledError
from trainer.tracking import is_workspace

log = logging.getLogger(__name__)

LAST_STEP = "last-step.json"
# How often the thread looks, and writes down how far training has come: a mount bears that.
LOOK_EVERY_S = 2.0
# The first process speaks for all, so the others let it.
LATER_S = 30.0
# To tell the service; whatever hangs may hang there too.
LAST_WORDS_S = 30.0


class LastStep(BaseModel):
    """How far an attempt had come, checkpoint or not; written every two seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: int
    tokens: int
    train_s: float

    @classmethod
    def of(cls, context: Context) -> "LastStep | None":
        """Return what the attempt before left, or None."""
        try:
            return cls.model_validate_json((_place(context) / LAST_STEP).read_bytes())
        except (OSError, ValidationError):
            return None


def lost_since(last: LastStep | None, step: int, totals: Totals) -> dict[str, Any]:
    """Return what of a `ResumeLine` says how much has to be made again from `step` on."""
    if last is None or last.step <= step:
        return {}
    return {
        "lost_steps": last.step - step,
        "lost_tokens": max(0, last.tokens - totals.tokens),
        "lost_s": max(0.0, last.train_s - totals.train_s),
    }


class Watchdog(TrainerCallback):
    """Calls `end` once nothing has moved for `guard.stall_s`; watches only while training runs."""

    def __init__(
        self,
        context: Context,
        totals: Totals,
        end: Callable[[StalledError], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._totals, self._end, self._clock = context, totals, end, clock
        self._limit_s = context.spec.guard.stall_s + (0 if context.is_first else LATER_S)
        self._step, self._moved_at, self._kept_step = 0, clock(), -1
        self._is_over = threading.Event()

    @override
    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._is_over.clear()
        self._move(state.global_step)
        threading.Thread(target=self._watch, args=(self._is_over,), daemon=True).start()

    @override
    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._move(state.global_step)

    @override
    def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._move(state.global_step)

    @override
    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._move(state.global_step)

    def rest(self) -> None:
        """Stop watching; call when the loop is left, in whichever way."""
        self._is_over.set()
        self._is_over = threading.Event()

    def look(self) -> None:
        """Write down how far training has come, and end a stalled process."""
        if self._context.is_first and self._step != self._kept_step:
            self._keep()
        stood_s = self._clock() - self._moved_at
        if stood_s > self._limit_s:
            self._end(
                StalledError(
                    f"Nothing moved for {stood_s:.0f} s after step {self._step} "
                    f"(guard.stall_s is {self._context.spec.guard.stall_s:g}).",
                    remedy="The log has where each thread stood. Start it again: it goes on from "
                    "its newest whole checkpoint. If steps take that long, raise guard.stall_s.",
                    step=self._step,
                )
            )

    def _move(self, step: int) -> None:
        self._step, self._moved_at = step, self._clock()

    def _watch(self, is_over: threading.Event) -> None:
        every_s = min(LOOK_EVERY_S, self._limit_s / 4)
        while not is_over.wait(every_s):
            self.look()

    def _keep(self) -> None:
        step, totals = self._step, self._totals
        last = LastStep(step=step, tokens=totals.tokens, train_s=totals.train_s)
        try:
            write_whole(_place(self._context) / LAST_STEP, last.model_dump_json())
        except OSError as error:  # Training goes on; only the count of what is lost is less exact.
            log.warning("how far training has come could not be written: %s", error)
        self._kept_step = step


def end_process(context: Context) -> Callable[[StalledError], None]:
    """Return what ends the process: the state of every thread to the log, the failure, the exit."""

    def end(error: StalledError) -> None:
        faulthandler.dump_traceback(file=sys.stderr, all_threads=True)
        faulthandler.dump_traceback_later(LAST_WORDS_S, exit=True)
        failure = error.failure()
        context.progress.fail(failure)
        if context.is_first and is_workspace(context.tracking_uri or ""):
            tell = importlib.import_module("trainer.azureml.tracking").tell_failure
            tell(failure, error.exit_code)
        os._exit(error.exit_code)

    return end


def _place(context: Context) -> Path:
    """Return the folder that the next attempt sees, on whichever machine."""
    return context.outside.keep or context.output
