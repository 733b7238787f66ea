"""Decide how a run spreads over its processes: sharded or copied, activations kept or not."""

from collections.abc import Callable
from dataclasses import dataclass

from trainer.contract.methods import SHARDED_METHODS
from trainer.contract.spec import RunSpec

# What a plan may use of a device's memory: allocators leave holes, and libraries take their part.
USABLE = 0.9


@dataclass(frozen=True)
class Spread:
    """Whether the weights are shared out among processes, and activations computed twice."""

    is_sharded: bool = False
    recomputes: bool = False


WHOLE = Spread()


def choose(
    spec: RunSpec,
    need_bytes: Callable[[Spread], int] | None,
    *,
    processes: int,
    memory_bytes: int | None,
) -> Spread:
    """Return the cheapest spread that fits, within what the spec leaves open.

    `need_bytes` gives what each process would hold, `memory_bytes` what it has; None where that is
    not known. Sharding is tried before recomputing: it costs communication that overlaps with
    computing, and recomputing a third of the arithmetic. If nothing fits, the leanest is returned.
    """
    candidates = [
        Spread(is_sharded, recomputes)
        for recomputes in _choices(spec.compute.activation_checkpointing, "on", "off")
        for is_sharded in _sharding_choices(spec, processes)
    ]
    if need_bytes is None or memory_bytes is None:
        return candidates[0]
    room = USABLE * memory_bytes
    return next((each for each in candidates if need_bytes(each) <= room), candidates[-1])


def in_words(spec: RunSpec, spread: Spread, *, processes: int) -> str:
    """Return the decision in a sentence or two, for the run's plan."""
    parts = []
    if processes > 1:
        how = "each holds its share of the model (FSDP2)"
        if not spread.is_sharded:
            how = "each holds the whole model (DDP)"
        parts.append(f"{processes} processes, {how}.")
    elif spec.compute.sharding == "full":
        parts.append("One process: there is nobody to share the model with.")
    if spread.recomputes:
        parts.append("Activations are computed again in the backward pass.")
    return " ".join(parts)


def _sharding_choices(spec: RunSpec, processes: int) -> list[bool]:
    if processes == 1:
        return [False]
    if spec.method not in SHARDED_METHODS:
        return [False]
    return _choices(spec.compute.sharding, "full", "none")


def _choices(setting: str, yes: str, no: str) -> list[bool]:
    return {yes: [True], no: [False]}.get(setting, [False, True])
