"""The seam between an attempt and a method's training loop: what each gives the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from trainer.bad_batches import BadBatches
from trainer.context import Context
from trainer.contract.progress import DataLine
from trainer.contract.spread import WHOLE, Spread
from trainer.data.gather import Gathered


@dataclass(frozen=True)
class Ingredients:
    """What a run is made of. `base` is the base model's folder, None from scratch."""

    context: Context
    gathered: Gathered
    base: Path | None


@dataclass(frozen=True)
class Watch:
    """Who looks at each step: the reporter, and who takes a written checkpoint.

    `spread` is how the run's processes hold the model; `batches` names the rows of a bad one;
    `compiled` is whether the steps so far were made by compiled code.
    """

    reporter: Any
    keep: Callable[[Path, int, int], None]  # folder, step, processes
    callbacks: Sequence[Any]
    spread: Spread = WHOLE
    batches: BadBatches | None = None
    is_first_of_machine: bool = True
    compiled: bool | None = None


class Loop(Protocol):
    """A method's training loop, its data prepared and reported.

    It may have two things more: `steps_in_epoch`, without which no line says where in the data the
    run is, and `lengths`, the tokens of each sequence, for the data card and the machine's use.
    """

    data: DataLine
    tokenizer: Any
    steps: int

    def make_trainer(self, watch: Watch) -> Any:
        """Return transformers' `Trainer` with `trainer.watched.Watched` in front of it.

        The model's fresh weights are drawn from torch's current seed.
        """

    def judge(self, model: Any) -> Mapping[str, float]:
        """Return figures of the held-out rows: `loss`, `perplexity` where that is in nats a token.

        Others are the method's own, by name.
        """

    def example(self) -> Any:
        """Return token ids [1, T] of held-out text, to compare two forms of a model by."""
