"""Compare two runs of one spec: each step's loss, the held-out loss, each file of the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from trainer.contract.progress import ProgressLine, ResultLine, StepLine, read_line
from trainer.errors import BadSpecError
from trainer.lineage import hashes

Verdict = Literal["bitwise", "within tolerance", "differs"]
# They tell of the run, not of the weights: its id, when and how fast it was.
OWN = ("README.md",)


@dataclass(frozen=True)
class Outcome:
    """What a run came to: the loss of each step that was written down, and its end."""

    losses: Mapping[int, float]
    eval_loss: float
    steps: int
    files: Mapping[str, str]


@dataclass(frozen=True)
class Comparison:
    """How far the second run was from the first; losses in nats, `files` those that differ.

    `compared` counts the steps that both wrote down; `first` is the first that differs.
    """

    verdict: Verdict
    compared: int
    first: int | None
    most: float
    eval_difference: float
    files: tuple[str, ...]

    @property
    def in_words(self) -> str:
        """Return the figures as a sentence or two."""
        steps = (
            f"the loss is equal in all {self.compared} steps that both wrote down"
            if self.first is None
            else f"the loss differs by at most {self.most:.3g} nats over {self.compared} steps, "
            f"first at step {self.first}"
        )
        files = (
            "every file of the model is equal"
            if not self.files
            else f"other files: {', '.join(self.files)}"
        )
        return (
            f"{self.verdict}: {steps}; the held-out loss differs by {self.eval_difference:.3g}; "
            f"{files}."
        )


def outcome(output: Path) -> Outcome:
    """Return what lies in a run's output folder. Raises `BadSpecError` if it has not ended well."""
    lines = _lines(output / "progress.jsonl")
    results = [line for line in lines if isinstance(line, ResultLine)]
    if not results:
        raise BadSpecError(
            f"The run in {output} has no result: it has not ended, or not well.",
            remedy="Give a run that has succeeded.",
        )
    # A later attempt writes steps after its checkpoint again: the last word counts.
    losses = {line.step: line.loss for line in lines if isinstance(line, StepLine)}
    last = results[-1]
    return Outcome(losses, last.eval_loss, last.steps, hashes(output / "model"))


def compare(first: Outcome, second: Outcome, *, tolerance: float) -> Comparison:
    """Return how the second differs; losses may do so by `tolerance` nats."""
    shared = sorted(first.losses.keys() & second.losses.keys())
    apart = {step: abs(first.losses[step] - second.losses[step]) for step in shared}
    differing = [step for step in shared if apart[step]]
    most = max(apart.values(), default=0.0)
    judged = abs(first.eval_loss - second.eval_loss)
    names = sorted(first.files.keys() | second.files.keys())
    files = tuple(
        name
        for name in names
        if name not in OWN and first.files.get(name) != second.files.get(name)
    )
    verdict: Verdict = "differs"
    if first.steps == second.steps and shared:
        if not differing and not judged and not files:
            verdict = "bitwise"
        elif max(most, judged) <= tolerance:
            verdict = "within tolerance"
    return Comparison(
        verdict, len(shared), differing[0] if differing else None, most, judged, files
    )


def _lines(path: Path) -> list[ProgressLine]:
    found = []
    try:
        texts = path.read_bytes().splitlines()
    except OSError as error:
        raise BadSpecError(
            f"There is no run in {path.parent}: it has no {path.name}.",
            remedy="Give a run's output folder, or its id with --home.",
        ) from error
    for text in texts:
        try:
            found.append(read_line(text))
        except ValidationError:  # a torn last line of a killed attempt, or a newer trainer's
            continue
    return found
