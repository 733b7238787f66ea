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
from trainer.guardian import Guardian
from trainer.guarding import Observation
from trainer.loop import Watch
from trainer.sharding import Shardable, full

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


class Watched(Shardable):
    """Goes in front of a library's trainer: `class Ours(Watched, trl.SFTTrainer)`."""

    spec: RunSpec
    watch: Watch
    _loss_so_far: Tensor
    _guardian: Guardian

    def begin_watching(self, spec: RunSpec, watch: Watch) -> None:
        """Call once, after the library's own `__init__`."""
        self.spec, self.watch = spec, watch
        if watch.spread.is_sharded:
            self.shard()
        self._guardian = Guardian(watch.reporter.context, watch.reporter.totals)
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
        loss, norm = self._of_all_ranks(norm)
        self._loss_so_far.zero_()
        reporter = self.watch.reporter
        seen = Observation(self.state.global_step + 1, loss, norm)
        reporter.skips_step = not self._guardian.lets_pass(seen)
        if reporter.skips_step:
            # An optimizer of torch passes over a parameter without a gradient: no momentum, no
            # decay, no count. A gradient of zero would have all three.
            self.optimizer.zero_grad(set_to_none=True)
        else:
            reporter.step_loss, reporter.grad_norm = loss, norm
        return norm

    def _of_all_ranks(self, norm: float) -> tuple[float, float]:
        """Return the step's loss and the gradient's norm over all processes, count their tokens.

        The norm is that of the reduced gradients already; the largest is taken so that no
        process ever decides otherwise than another.
        """
        if self.accelerator.num_processes == 1:
            return float(self._loss_so_far.item()), norm
        reporter, loss = self.watch.reporter, self._loss_so_far.double()
        own = torch.stack([loss, loss.new_tensor(reporter.step_tokens), loss.new_tensor(norm)])
        of_all = self.accelerator.gather(own[None])
        reporter.step_tokens = int(of_all[:, 1].sum().item())
        # max() of torch is NaN where one of them is.
        return float(of_all[:, 0].sum().item()), float(of_all[:, 2].max().item())

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
