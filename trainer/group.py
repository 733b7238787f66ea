"""The processes of a run as one group: meeting, agreeing, sharing work out."""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from trainer.processes import Seat

Value = TypeVar("Value")

# Longer than anything that one process does while the others wait: writing and hashing a large
# checkpoint. A process that dies is noticed long before, see trainer/pulse.py.
TIMEOUT = "KRSP_PROCESS_TIMEOUT_S"
TIMEOUT_S = 1800.0


def join(seat: Seat, env: Mapping[str, str]) -> Store:
    """Meet the run's other processes; return the store of small values that all of them share.

    Tensors on GPUs travel by NCCL, all else by gloo.
    """
    # Launchers other than torchrun leave some out, and accelerate looks for them.
    os.environ.setdefault("LOCAL_RANK", str(seat.local_rank))
    os.environ.setdefault("LOCAL_WORLD_SIZE", str(seat.local_ranks))
    on_gpu = torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(seat.local_rank)
    timeout = timedelta(seconds=float(env.get(TIMEOUT, TIMEOUT_S)))
    store, rank, ranks = next(
        rendezvous("env://", rank=seat.rank, world_size=seat.ranks, timeout=timeout)
    )
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
        store=PrefixStore("group", store),
        rank=rank,
        world_size=ranks,
        timeout=timeout,
    )
    shared: Store = store
    return shared


def leave() -> None:
    """Part from the others, so that nothing of the group is left at the interpreter's end."""
    if distributed.is_initialized():
        distributed.destroy_process_group()


def wait_for_all() -> None:
    """Return once every process has come here."""
    if distributed.is_initialized():
        distributed.barrier()


def first_says(value: Value) -> Value:
    """Return the first process's value in every process."""
    if not distributed.is_initialized():
        return value
    box: list[Any] = [value]
    distributed.broadcast_object_list(box, src=0)
    said: Value = box[0]
    return said


def gathered(value: Value) -> list[Value]:
    """Return every process's value, by rank, in the first process; elsewhere an empty list."""
    if not distributed.is_initialized():
        return [value]
    is_first = distributed.get_rank() == 0
    values: list[Any] = [None] * distributed.get_world_size() if is_first else []
    distributed.gather_object(value, values if is_first else None)
    return values


def everywhere(value: Value) -> list[Value]:
    """Return every process's value, by rank, in all of them."""
    if not distributed.is_initialized():
        return [value]
    values: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return values


def summed(*values: float) -> list[float]:
    """Return the sums of the values over all processes, in fp64."""
    if not distributed.is_initialized():
        return list(values)
    total = torch.tensor(values, dtype=torch.float64)
    distributed.all_reduce(total)
    found: list[float] = total.tolist()
    return found


def share(count: int) -> list[tuple[int, bool]]:
    """Return which of `count` pieces are this process's: (number, whether its result counts).

    Every process gets equally many, since a sharded model's forward pass needs all of them: the
    last ones may do a piece again whose result does not count.
    """
    if not distributed.is_initialized():
        return [(number, True) for number in range(count)]
    rank, ranks = distributed.get_rank(), distributed.get_world_size()
    rounds = -(-count // ranks)
    return [(min(at, count - 1), at < count) for at in range(rank, rounds * ranks, ranks)]
