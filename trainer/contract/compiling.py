"""Decide whether a run's model is compiled, and say why in a sentence."""

from dataclasses import dataclass
from typing import Literal

# Compiling costs about half a minute once and saves about a quarter of each step: measured on two
# cores that have bf16, with ten million parameters, it pays from about here on.
WORTH_TOKENS = 1_000_000
# The methods whose loop is `trainer.packed`, the one that compiles.
COMPILED_METHODS = ("pretrain", "sft")


@dataclass(frozen=True)
class Compiling:
    """Whether the model is compiled; `why` is a sentence for the person."""

    compiles: bool
    why: str


def compiling(  # noqa: PLR0913  # all that decides, by name
    setting: Literal["auto", "on", "off"],
    *,
    tokens: int,
    is_bf16: bool = True,
    is_warm: bool = False,
    before: bool | None = None,
    cannot: str = "",
) -> Compiling:
    """Return the decision for a run of `tokens`.

    `is_bf16` says that matrices are multiplied in it: in fp32, on a processor without it, compiled
    code was no faster (docs/lab-notes.md). `is_warm` says that compiled code for this model and
    machine is kept; `before` what the run did up to its checkpoint, or the run that it repeats:
    compiled code rounds otherwise, so an exact resume does the same again; `cannot` why this run
    cannot, as the end of a sentence.
    """
    if setting == "off":
        return _no("compute.compile is off")
    if cannot:
        return _no(cannot)
    if before is not None:
        return _yes("as the run did before") if before else _no("as the run did before")
    if setting == "on":
        return _yes("compute.compile is on")
    if is_warm:
        return _yes("the code for this model and machine is kept from before")
    if not is_bf16:
        return _no("in fp32 it has not been faster")
    if tokens >= WORTH_TOKENS:
        return _yes(f"for {tokens:,} tokens it saves more than it costs")
    return _no(f"{tokens:,} tokens are too few to make up for what it costs")


def _yes(why: str) -> Compiling:
    return Compiling(compiles=True, why=f"Compiled: {why}.")


def _no(why: str) -> Compiling:
    return Compiling(compiles=False, why=f"Not compiled: {why}.")
