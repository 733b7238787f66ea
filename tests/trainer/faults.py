"""Ways to make a chosen step go wrong in a real training, and to look at what it left behind."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback

from trainer.attempt import Attempt, attempt_of
from trainer.context import Context
from trainer.data.gather import gather
from trainer.loop import Ingredients, Watch


def attempt_at(context: Context, *callbacks: TrainerCallback) -> Attempt:
    """Return an attempt of the context's run, with more callbacks."""
    attempt = attempt_of(Ingredients(context, gather(context.spec, context.workdir), None))
    for callback in callbacks:
        attempt.trainer.add_callback(callback)
    return attempt


def with_callbacks(attempt: Attempt, *more: TrainerCallback) -> Attempt:
    """Give the callbacks to the trainer of now and to those made after a rollback."""
    watch: Watch = attempt._watch
    watch.callbacks.extend(more)  # type: ignore[attr-defined]
    for callback in more:
        attempt.trainer.add_callback(callback)
    return attempt


class BadSteps(TrainerCallback):
    """Multiplies what is scored in some steps: by NaN, or by so much that the loss leaps."""

    def __init__(self, steps: Sequence[int], factor: float = math.nan) -> None:
        self.steps, self.factor = steps, factor
        self.hook: Any = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step + 1 in self.steps:
            last = kwargs["model"].get_decoder().norm
            self.hook = last.register_forward_hook(lambda _m, _i, out: out * self.factor)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.hook is not None:
            self.hook.remove()
            self.hook = None


class OnceBad(BadSteps):
    """Bad the first time only that one of the steps comes, so that a rollback gets past it."""

    last = 0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.hook is not None:  # A rollback left the step before it could be taken off.
            self.hook.remove()
            self.hook = None
            self.steps = [step for step in self.steps if step != self.last]
        super().on_step_begin(args, state, control, **kwargs)
        self.last = state.global_step + 1


class Photographer(TrainerCallback):
    """Keeps copies of weights and of the optimizer's state after each step."""

    def __init__(self) -> None:
        self.weights: dict[int, list[Tensor]] = {}
        self.moments: dict[int, list[Tensor]] = {}
        self.rates: dict[int, float] = {}

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.rates[state.global_step + 1] = float(kwargs["lr_scheduler"].get_last_lr()[0])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.weights[state.global_step] = [p.detach().clone() for p in kwargs["model"].parameters()]
        states = kwargs["optimizer"].state_dict()["state"].values()
        self.moments[state.global_step] = [v.clone() for each in states for v in each.values()]


def equal(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> bool:
    """Return whether both hold the same bits."""
    return len(ours) == len(theirs) and all(map(torch.equal, ours, theirs))


def last_weights(folder: Path) -> bytes:
    """Return the bytes of a checkpoint's weights."""
    return (folder / "model.safetensors").read_bytes()
