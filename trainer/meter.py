"""What a step's line says beside the loss: how well the machine is used, and where in the data."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.base import base_shape
from trainer.contract.counts import parameter_count, training_flops_per_token
from trainer.contract.spec import ModelConfig, RunSpec
from trainer.errors import BadSpecError
from trainer.hardware import peak_flops_of_devices
from trainer.loop import Ingredients, Loop

# How far the weights counted by formula may be from those that the model has (biases, which the
# formula leaves out) before its arithmetic is taken for another architecture's.
COUNTED_SHARE = 0.01


@dataclass(frozen=True)
class Meter:
    """What does not change from step to step. `flops_per_token` and `peak_flops` of all devices.

    `ends` are the numbers of the rows at which each source of the mixture ends.
    """

    flops_per_token: float | None = None
    peak_flops: float | None = None
    steps_in_epoch: int | None = None
    names: tuple[str, ...] = ()
    ends: tuple[int, ...] = ()

    def mfu(self, tokens_per_s: float) -> float | None:
        """Return which share of the peak is used for what a model has to compute, 0 to 1.

        None where one of the two is not known. What is computed twice (activation checkpointing)
        and what fills rows up is no use (PaLM, arXiv:2204.02311, appendix B).
        """
        if self.flops_per_token is None or self.peak_flops is None:
            return None
        return tokens_per_s * self.flops_per_token / self.peak_flops

    def epoch(self, steps: int) -> float | None:
        """Return how often the data has been read after `steps`."""
        return None if self.steps_in_epoch is None else steps / self.steps_in_epoch

    def of_sources(self, rows: Sequence[int], tokens: Sequence[int]) -> list[int]:
        """Return how many of a batch's tokens are of each source; `rows` and `tokens` in pairs."""
        places = np.searchsorted(self.ends, rows, side="right")
        counts = np.bincount(places, weights=tokens, minlength=len(self.ends))
        found: list[int] = counts.astype(np.int64).tolist()
        return found


def meter_of(ingredients: Ingredients, loop: Loop, model: Any) -> Meter:
    """Return the meter of a run whose model and data are ready."""
    spec, ranks = ingredients.context.spec, ingredients.context.ranks
    train, base = ingredients.gathered.split.train, ingredients.base
    mixed = len(train.sources) > 1
    ends = np.cumsum([len(source) for source in train.sources]).tolist() if mixed else ()
    return Meter(
        flops_per_token=_flops_per_token(spec, base, loop, model),
        peak_flops=peak_flops_of_devices(ranks),
        steps_in_epoch=getattr(loop, "steps_in_epoch", None),
        names=tuple(spec.data.training_sources) if mixed else (),
        ends=tuple(ends),
    )


def _flops_per_token(spec: RunSpec, base: Path | None, loop: Loop, model: Any) -> float | None:
    shape = spec.model.config
    if base is not None:
        shape = None
        with contextlib.suppress(BadSpecError):
            shape = base_shape(base)
    if shape is None or not is_counted(shape, model):
        return None
    data = loop.data
    lengths = np.asarray(getattr(loop, "lengths", ()), dtype=np.float64)
    return training_flops_per_token(
        shape,
        spec,
        scored=data.trained_tokens / data.tokens,
        attended=float((lengths @ lengths) / lengths.sum() / 2) if len(lengths) else None,
    )


def is_counted(shape: ModelConfig, model: Any) -> bool:
    """Return whether the model has the weights that the formula for its shape counts."""
    own = (weight.numel() for name, weight in model.named_parameters() if "lora_" not in name)
    count: int = sum(own)
    return abs(count - parameter_count(shape)) <= COUNTED_SHARE * count
