"""What each method's trainer does at a step: look before a weight changes, report, save whole."""

import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PrinterCallback, Trainer
from typing_extensions import override

from trainer.checkpoint import PARTIAL
from trainer.contract.spec import RunSpec
from trainer.contract.spread import WHOLE, Spread
from trainer.errors import DivergedError
from trainer.loop import Watch
from trainer.sharding import Shardable, full

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


class Watched(Shardable):
    """Goes in front of a library's trainer: `class Ours(Watched, trl.SFTTrainer)`."""

    spec: RunSpec
    watch: Watch
    _loss_so_far: Tensor

    def begin_watching(self, spec: RunSpec, watch: Watch) -> None:
        """Call once, after the library's own `__init__`."""
        self.spec, self.watch = spec, watch
        if watch.spread.is_sharded:
            self.shard()
        self._loss_so_far = torch.zeros((), device=self.args.device)
        self.remove_callback(PrinterCallback)

    def count(self, loss: Tensor, tokens: int) -> None:
        """Take note of one forward pass: its share of the step's loss, and its tokens."""
        self._loss_so_far += loss.detach()
        self.watch.reporter.step_tokens += tokens

    @override
    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> float:
        """Return the gradient's norm: the last moment before the optimizer changes a weight.

        One look at loss and norm a step finds every NaN; transformers would log it as 0.0 and
        train on (its `logging_nan_inf_filter`).
        """
        norm = full(super()._get_grad_norm(model, grad_norm=grad_norm))
        loss = self._of_all_ranks()
        self._loss_so_far.zero_()
        check_step(self.spec, step=self.state.global_step + 1, loss=loss, grad_norm=norm)
        self.watch.reporter.step_loss, self.watch.reporter.grad_norm = loss, norm
        return norm

    def _of_all_ranks(self) -> float:
        """Return the step's loss over all processes, and count all their tokens."""
        if self.accelerator.num_processes == 1:
            return float(self._loss_so_far.item())
        reporter = self.watch.reporter
        tokens = torch.full_like(self._loss_so_far, reporter.step_tokens)
        both = self.accelerator.reduce(torch.stack([self._loss_so_far, tokens]), "sum")
        reporter.step_tokens = int(both[1].item())
        return float(both[0].item())

    @override
    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Save beside the checkpoints, then hand the folder over; TRL's model card is not ours."""
        partial = Path(self.args.output_dir) / PARTIAL
        home, self.args.output_dir = self.args.output_dir, str(partial)
        try:
            Trainer._save_checkpoint(self, model, trial)  # noqa: SLF001  # past TRL's model card
            step = self.state.global_step
            self.watch.keep(partial / f"checkpoint-{step}", step, self.args.world_size)
        finally:
            self.args.output_dir = home
            if self.watch.is_first_of_machine:
                shutil.rmtree(partial, ignore_errors=True)

    def load_weights(self, checkpoint: Path) -> None:
        """Load the weights of a checkpoint at which training had already ended."""
        self._load_from_checkpoint(str(checkpoint))
        self.state.global_step = self.state.max_steps = self.args.max_steps


def check_step(spec: RunSpec, *, step: int, loss: float, grad_norm: float) -> None:
    """Raise `DivergedError` when the step must not be applied."""
    limit = spec.guard.max_loss
    for name, value in (("loss", loss), ("gradient", grad_norm)):
        if not torch.isfinite(torch.tensor(value)):
            raise DivergedError(
                f"The {name} became {value} at step {step} (learning rate {spec.optim.lr:g}).",
                remedy="Start again with a lower learning rate, or a longer warm-up.",
                step=step,
            )
    if limit is not None and loss > limit:
        raise DivergedError(
            f"The loss was {loss:.4f} at step {step}, above the limit guard.max_loss {limit:g}.",
            remedy="Lower the learning rate, look at the data, or raise the limit.",
            step=step,
        )


def common_arguments(
    spec: RunSpec, *, steps: int, checkpoints: Path, spread: Spread = WHOLE
) -> dict[str, Any]:
    """Return what every trainer is told, each default that hurts us switched off."""
    on_gpu = torch.cuda.is_available()
    return {
        "output_dir": str(checkpoints),
        "max_steps": steps,
        "learning_rate": spec.optim.lr,
        "lr_scheduler_type": SCHEDULES[spec.optim.schedule],
        "warmup_steps": round(spec.optim.warmup_fraction * steps),
        "weight_decay": spec.optim.weight_decay,
        "max_grad_norm": spec.optim.grad_clip,
        "seed": spec.optim.seed,
        "data_seed": spec.optim.seed,
        "full_determinism": spec.deterministic,
        "use_cpu": not on_gpu,
        # A sharded model's weights are gathered in bf16; autocast would have them gathered in fp32.
        "bf16": on_gpu and not spread.is_sharded,
        "ddp_find_unused_parameters": False,
        "dataloader_pin_memory": on_gpu,
        "logging_strategy": "no",
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
