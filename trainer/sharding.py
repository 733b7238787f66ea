"""Share a model out among the processes of a run (FSDP2), and make it whole again to write it.

torch's `fully_shard` is called here and not through accelerate, on GPUs and CPUs alike: accelerate
1.15 turns an FSDP plugin on a CPU into DDP without a word (see docs/decisions/0030).
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import PeftModel, get_peft_model
from torch import Tensor
from torch.distributed import get_world_size
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import (
    FSDPModule,
    MixedPrecisionPolicy,
    fully_shard,
    register_fsdp_forward_method,
)
from transformers import AutoModelForCausalLM, Trainer
from transformers.modeling_layers import GradientCheckpointingLayer
from typing_extensions import override

from trainer import sharded_checkpoint
from trainer.base import base_shape
from trainer.context import Context
from trainer.contract.estimate import plan_spread
from trainer.contract.spread import Spread
from trainer.errors import BadSpecError
from trainer.group import first_says, gathered


def plan(context: Context, base: Path | None) -> Spread:
    """Return how the processes hold the model, the same in all of them, by the memory they have."""
    spec, seat = context.spec, context.seat
    shape = spec.model.config
    if base is not None:
        with contextlib.suppress(BadSpecError):  # not a decoder that the memory model knows
            shape = base_shape(base)
    found, _ = plan_spread(
        spec, shape, processes=seat.ranks, device_bytes=_device_bytes(seat.local_ranks)
    )
    return first_says(found)


def _device_bytes(local_ranks: int) -> int:
    if torch.cuda.is_available():
        return torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory
    whole_machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return whole_machine // local_ranks


def leave_in_place(model: Any) -> Any:
    """Tell transformers' trainer not to copy the whole model to one GPU: `shard` places it."""
    model._is_distributed_loading_by_transformers = True  # noqa: SLF001
    return model


def shard(model: Any, device: torch.device) -> None:
    """Leave each process its part of every weight of `model`, in place; all processes call it.

    Each block is a unit: it is whole only while it computes. What lies outside of blocks
    (embeddings, last norm, output matrix) is whole from the start of a forward pass to the end of
    its backward pass, so the loss reads the output matrix as in any other model. Weights begin
    equal in all processes; on a GPU they are copied there unit by unit.
    """
    if getattr(model, "quantization_method", None) is not None:
        raise BadSpecError(
            "A model with quantised weights cannot be shared out among processes.",
            remedy="Set compute.sharding to none: quantised, the model fits each GPU by itself.",
        )
    mesh = init_device_mesh(device.type, (get_world_size(),))
    options: dict[str, Any] = {"mesh": mesh}
    if device.type == "cuda":
        # Gradients are summed in fp32: bf16 loses the small ones among many processes.
        options["mp_policy"] = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16, reduce_dtype=torch.float32
        )
    for block in [part for part in model.modules() if isinstance(part, GradientCheckpointingLayer)]:
        fully_shard(block, **options)
    fully_shard(model, **options)
    # Sampling calls the model inside `generate`, past the hook that makes the embeddings whole,
    # and must go on in every process until the last one is done.
    register_fsdp_forward_method(model, "generate")
    for part in {model, _without_adapters(model)}:
        part._is_fsdp_managed_module = True  # noqa: SLF001  # how transformers' `generate` is told


def is_sharded(model: Any) -> bool:
    """Return whether the model's weights are shared out, so that each process must take part."""
    return isinstance(model, FSDPModule)


def settle(model: Any) -> None:
    """Leave each process its part again.

    A forward pass without a backward pass (judging) leaves what is outside of blocks whole, and
    the model's parameters are then others than those to optimize and to save.
    """
    if is_sharded(model):
        model.reshard()


def whole(model: Any) -> Any | None:
    """Return a sharded model as an ordinary one on the CPU of the first process; elsewhere None.

    All processes call it. A model that is not sharded is returned as it is, everywhere.
    """
    if not is_sharded(model):
        return model
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state = get_model_state_dict(model, options=options)
    if not state:
        return None
    copy = AutoModelForCausalLM.from_config(
        model.config,
        attn_implementation=model.config._attn_implementation,  # noqa: SLF001
        dtype=torch.float32,
    )
    copy.generation_config = model.generation_config
    if isinstance(model, PeftModel):
        copy = get_peft_model(copy, model.active_peft_config)
    copy.load_state_dict(state, assign=True)
    _without_adapters(copy).tie_weights()
    return copy


class Shardable(Trainer):
    """What transformers' trainer does otherwise where the model's weights are shared out.

    It knows of models that are sharded before it gets them and leaves them alone then, but cannot
    resume them: saving and loading are ours.
    """

    def shard(self) -> None:
        """Share the model out, which was left in place; call before training begins."""
        shard(self.model, self.args.device)

    @override
    def create_optimizer(self, model: Any = None) -> Any:
        settle(self.model)
        return super().create_optimizer(model)

    @contextlib.contextmanager
    @override
    def _defer_fsdp_gradient_reduction(self) -> Iterator[None]:
        """Reduce after each forward pass: deferring would keep every gradient whole meanwhile."""
        yield

    @override
    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        if not is_sharded(self.model):
            super().save_model(output_dir, _internal_call)
            return
        assert output_dir is not None
        settle(self.model)
        sharded_checkpoint.save(Path(output_dir), self.model, self.optimizer.optimizer)

    @override
    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if not is_sharded(self.model):
            super()._save_optimizer_and_scheduler(output_dir)
        elif self.args.should_save:
            sharded_checkpoint.save_schedule(Path(output_dir), self.lr_scheduler)

    @override
    def _save_rng_state(self, output_dir: str) -> None:
        """Have the first process write everybody's chance: a later machine's disk is not kept."""
        with TemporaryDirectory() as folder:
            super()._save_rng_state(folder)
            mine = [(path.name, path.read_bytes()) for path in Path(folder).iterdir()]
        for name, content in (file for files in gathered(mine) for file in files):
            (Path(output_dir) / name).write_bytes(content)

    @override
    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        checkpoint = Path(resume_from_checkpoint)
        if is_sharded(self.model) or sharded_checkpoint.is_one(checkpoint):
            sharded_checkpoint.load_model(checkpoint, self.model)
        else:
            super()._load_from_checkpoint(resume_from_checkpoint, model)

    @override
    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is None:
            return
        if is_sharded(self.model) or sharded_checkpoint.is_one(Path(checkpoint)):
            optimizer = self.optimizer.optimizer
            sharded_checkpoint.load_optimizer(Path(checkpoint), self.model, optimizer)
            sharded_checkpoint.load_schedule(Path(checkpoint), self.lr_scheduler)
        else:
            super()._load_optimizer_and_scheduler(checkpoint)


def full(value: Tensor | float) -> float:
    """Return a number that may be a sharded tensor."""
    whole_value = getattr(value, "full_tensor", lambda: value)()
    return float(whole_value)


def _without_adapters(model: Any) -> Any:
    return model.get_base_model() if isinstance(model, PeftModel) else model
