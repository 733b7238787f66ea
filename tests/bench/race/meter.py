"""A callback for transformers' trainers that reads the gauge."""

from typing import Any

from gauge import Gauge
from transformers import TrainerCallback


class Meter(TrainerCallback):
    """Reads the gauge at each step's end."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._gauge.step()


def metered(trainer: type, gauge: Gauge, *, padding: int) -> type:
    """Return the trainer with its forward passes counted; where no mask tells, `padding` does."""

    def training_step(self: Any, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
        tokens = inputs["input_ids"]
        mask = inputs.get("attention_mask")
        plain = mask is not None and mask.dim() == 2 and mask.max() <= 1
        gauge.saw(int(mask.sum() if plain else (tokens != padding).sum()), tokens.numel())
        return super(found, self).training_step(model, inputs, *more, **named)

    found = type(f"Metered{trainer.__name__}", (trainer,), {"training_step": training_step})
    return found
