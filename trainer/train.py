"""The training loop: TRL's SFTTrainer with our batches, attention, loss, guard and checkpoints.

No loop of our own: this subclass reached 94 % of what a bare PyTorch loop does on the same data,
and nine times the SFTTrainer as it comes (padding, dense masks, logits of every position, metrics
that synchronise each step).
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import torch
from torch import Tensor
from transformers import PrinterCallback, Trainer
from trl import SFTConfig, SFTTrainer
from typing_extensions import override

from trainer.callbacks import Reporter
from trainer.checkpoint import PARTIAL
from trainer.contract.spec import RunSpec
from trainer.errors import DivergedError
from trainer.loss import Scored, install_scoring
from trainer.prepare import Prepared

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}


class PackedTrainer(SFTTrainer):
    """SFTTrainer on packed batches. `keep` takes a written checkpoint: folder, step, ranks."""

    # The loss is divided by the tokens of the whole step, not by micro-batch.
    loss_is_scaled_for_ga = True

    def __init__(
        self,
        *,
        spec: RunSpec,
        reporter: Reporter,
        keep: Callable[[Path, int, int], None],
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._spec, self._reporter, self._keep = spec, reporter, keep
        self._loss_so_far = torch.zeros((), device=self.args.device)
        self.remove_callback(PrinterCallback)
        install_scoring(self.model.get_base_model() if options["peft_config"] else self.model)

    @override
    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Tensor:
        assert num_items_in_batch is not None
        assert not return_outputs
        scored: Scored = model(**inputs, score=True)
        loss: Tensor = scored.loss / num_items_in_batch
        self._loss_so_far += loss.detach()
        self._reporter.step_tokens += inputs["input_ids"].numel()
        # The count is of every rank's tokens, and DDP averages gradients over ranks.
        ranks: int = self.accelerator.num_processes
        return loss * ranks

    @override
    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> float:
        """Return the gradient's norm: the last moment before the optimizer changes a weight.

        One look at loss and norm a step finds every NaN; transformers would log it as 0.0 and
        train on (its `logging_nan_inf_filter`).
        """
        norm = float(super()._get_grad_norm(model, grad_norm=grad_norm))
        loss = self._of_all_ranks()
        self._loss_so_far.zero_()
        check_step(self._spec, step=self.state.global_step + 1, loss=loss, grad_norm=norm)
        self._reporter.step_loss, self._reporter.grad_norm = loss, norm
        return norm

    def _of_all_ranks(self) -> float:
        """Return the step's loss over all processes, and count all their tokens."""
        if self.accelerator.num_processes == 1:
            return self._loss_so_far.item()
        tokens = torch.full_like(self._loss_so_far, self._reporter.step_tokens)
        both = self.accelerator.reduce(torch.stack([self._loss_so_far, tokens]), "sum")
        self._reporter.step_tokens = int(both[1].item())
        return float(both[0].item())

    @override
    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Save beside the checkpoints, then hand the folder over; TRL's model card is not ours."""
        partial = Path(self.args.output_dir) / PARTIAL
        home, self.args.output_dir = self.args.output_dir, str(partial)
        try:
            Trainer._save_checkpoint(self, model, trial)  # noqa: SLF001  # past SFTTrainer's card
            step = self.state.global_step
            self._keep(partial / f"checkpoint-{step}", step, self.args.world_size)
        finally:
            self.args.output_dir = home
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


def training_arguments(spec: RunSpec, prepared: Prepared, checkpoints: Path) -> SFTConfig:
    """Return the arguments for transformers and TRL, each default that hurts us switched off."""
    on_gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(checkpoints),
        max_steps=prepared.steps,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=prepared.accumulate,
        learning_rate=spec.optim.lr,
        lr_scheduler_type=SCHEDULES[spec.optim.schedule],
        warmup_steps=round(spec.optim.warmup_fraction * prepared.steps),
        weight_decay=spec.optim.weight_decay,
        max_grad_norm=spec.optim.grad_clip,
        seed=spec.optim.seed,
        data_seed=spec.optim.seed,
        full_determinism=spec.deterministic,
        use_cpu=not on_gpu,
        bf16=on_gpu,
        activation_checkpointing=False,
        max_length=None,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        dataloader_pin_memory=on_gpu,
        logging_strategy="no",
        logging_nan_inf_filter=False,
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def bin_numbers(prepared: Prepared) -> datasets.Dataset:
    """Return the dataset that the trainer shuffles: one row for each packed batch."""
    return datasets.Dataset.from_dict({"bin": list(range(len(prepared.train.bins)))})
