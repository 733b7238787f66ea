"""Checkpoints of a sharded model: each process writes its part, and any number of them reads.

torch's distributed checkpoint names tensors as the model does and knows which part of which
tensor lies in which file, so that another number of processes, or one alone, finds its own.
"""

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import distributed
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load as read_parts
from torch.distributed.checkpoint.state_dict_saver import save as write_parts
from transformers.trainer import OPTIMIZER_NAME, SCHEDULER_NAME

# What torch calls the list of parts; the folder's other files are the parts.
LIST = ".metadata"
# A base model that stands still is not written: it is pinned by the spec.
LEARNED = StateDictOptions(ignore_frozen_params=True, strict=False)
ENTIRE = StateDictOptions(full_state_dict=True, ignore_frozen_params=True, strict=False)


def is_one(checkpoint: Path) -> bool:
    """Return whether the checkpoint was written in parts."""
    return (checkpoint / LIST).is_file()


def save(folder: Path, model: Any, optimizer: Any) -> None:
    """Write this process's part of weights and optimizer; all processes call it."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        "model": get_model_state_dict(model, options=LEARNED),
        "optimizer": get_optimizer_state_dict(model, optimizer, options=LEARNED),
    }
    with _plain_errors():
        write_parts(parts, storage_writer=FileSystemWriter(folder))


def load_model(checkpoint: Path, model: Any) -> None:
    """Fill the model's weights, from parts or from a whole checkpoint."""
    if not is_one(checkpoint):
        set_model_state_dict(model, _whole_weights(checkpoint, model), options=ENTIRE)
        return
    state = {"model": get_model_state_dict(model, options=LEARNED)}
    _read(state, checkpoint)
    set_model_state_dict(model, state["model"], options=LEARNED)


def load_optimizer(checkpoint: Path, model: Any, optimizer: Any) -> None:
    """Fill the optimizer's moments, from parts or from a whole checkpoint."""
    if not is_one(checkpoint):
        found = torch.load(checkpoint / OPTIMIZER_NAME, map_location="cpu", weights_only=True)
        named = _by_name(found, model, optimizer)
        set_optimizer_state_dict(model, optimizer, named, options=ENTIRE)
        return
    state = {"optimizer": get_optimizer_state_dict(model, optimizer, options=LEARNED)}
    _read(state, checkpoint)
    set_optimizer_state_dict(model, optimizer, state["optimizer"], options=LEARNED)


def save_schedule(folder: Path, scheduler: Any) -> None:
    """Write where the learning rate stands; one process is enough."""
    torch.save(scheduler.state_dict(), folder / SCHEDULER_NAME)


def load_schedule(checkpoint: Path, scheduler: Any) -> None:
    """Fill the scheduler."""
    scheduler.load_state_dict(torch.load(checkpoint / SCHEDULER_NAME, weights_only=True))


def _read(state: dict[str, Any], checkpoint: Path) -> None:
    alone = not distributed.is_initialized()
    # torch warns of what `no_dist` asks for.
    with warnings.catch_warnings(), _plain_errors():
        warnings.filterwarnings("ignore", "torch.distributed is disabled", UserWarning)
        read_parts(state, storage_reader=FileSystemReader(checkpoint), no_dist=alone)


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """Raise what went wrong in some process, a full disk perhaps, instead of torch's collection."""
    try:
        yield
    except CheckpointException as error:
        first, _ = next(iter(error.failures.values()))
        raise first from error


def _whole_weights(checkpoint: Path, model: Any) -> dict[str, Any]:
    """Return the weights that learn by the model's names; PEFT leaves the adapter's name out."""
    found: dict[str, Any] = {}
    for path in checkpoint.glob("*.safetensors"):
        found |= load_file(path)
    adapter = f".{getattr(model, 'active_adapter', '')}"
    names = [name for name, weight in model.named_parameters() if weight.requires_grad]
    return {name: found[name if name in found else name.replace(adapter, "")] for name in names}


def _by_name(found: dict[str, Any], model: Any, optimizer: Any) -> dict[str, Any]:
    """Return a plain optimizer's state, which numbers weights, with their names instead.

    Both count the weights group by group in the model's order, so numbers and names go together.
    """
    name_of = {id(weight): name for name, weight in model.named_parameters()}
    names = [name_of[id(weight)] for group in optimizer.param_groups for weight in group["params"]]
    groups = [
        {**group, "params": [names[number] for number in group["params"]]}
        for group in found["param_groups"]
    ]
    return {
        "state": {names[n]: state for n, state in found["state"].items()},
        "param_groups": groups,
    }
