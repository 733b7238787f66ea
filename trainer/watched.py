"""What each method's trainer does at a step: look before a weight changes, report, save whole."""

import shutil
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PrinterCallback, Trainer, TrainerCallback
from typing_extensions import override

from trainer.bad_batches import Pass
from trainer.checkpoint import PARTIAL, read_manifest
from trainer.contract.spec import RunSpec
from trainer.contract.spread import WHOLE, Spread
from trainer.errors import BadSpecError
from trainer.guardian import Guardian
from trainer.guarding import Observation, rate_factor, rolls_back
from trainer.loop import Watch
from trainer.precision import Precision, precision_on, this_device
from trainer.sharding import Shardable, full

SCHEDULES = {"cosine": "cosine", "linear": "linear", "constant": "constant_with_warmup"}

# How torch and transformers, in the versions that we run with, say that weights do not fit.
MISFITS = ("size mismatch for", "Can't find a valid checkpoint")


class Watched(Shardable):
    """Goes in front of a library's trainer: `class Ours(Watched, trl.SFTTrainer)`."""

    spec: RunSpec
    watch: Watch
    precision: Precision
    _loss_so_far: Tensor
    _guardian: Guardian

    @property
    def compiles(self) -> bool:
        """Return whether steps are made by compiled code."""
        return False

    @property
    def how(self) -> str:
        """Return in sentences how the model computes."""
        return self.precision.in_words

    def begin_watching(self, spec: RunSpec, watch: Watch, precision: Precision) -> None:
        """Call once, after the library's own `__init__`."""
        self.spec, self.watch, self.precision = spec, watch, precision
        if watch.spread.is_sharded:
            self.shard()
        reporter = watch.reporter
        self._guardian = Guardian(reporter.context, reporter.totals, watch.batches)
        self._passes: list[tuple[Tensor, tuple[int, ...]]] = []
        self._rows: tuple[int, ...] = ()
        self._loss_so_far = torch.zeros((), device=self.args.device)
        self.remove_callback(PrinterCallback)
        if rolls_back(spec.guard):
            self.add_callback(_KeepsTheStart(self))

    def count(self, loss: Tensor, tokens: int) -> None:
        """Take note of one forward pass: its share of the step's loss, and its tokens."""
        self._loss_so_far += loss.detach()
        self._passes.append((loss.detach(), self._rows))
        self.watch.reporter.step_tokens += tokens

    def uncount(self) -> None:
        """Forget the first forward pass of a step: it is made again."""
        self._loss_so_far.zero_()
        self._passes.clear()
        self.watch.reporter.step_tokens = 0

    @override
    def training_step(self, model: Any, inputs: Any, *more: Any, **named: Any) -> Tensor:
        """Take the rows' numbers and sizes out of the batch: the model would not know them."""
        is_batch = isinstance(inputs, MutableMapping)
        rows, sizes = (inputs.pop(n, ()) if is_batch else () for n in ("rows", "row_tokens"))
        self._rows = tuple(map(int, rows))
        self.watch.reporter.count_rows(rows, sizes)
        loss: Tensor = super().training_step(model, inputs, *more, **named)
        return loss

    @override
    def _get_grad_norm(self, model: Any, grad_norm: Any = None) -> float:
        """Return the gradient's norm: the last moment before the optimizer changes a weight.

        One look at loss and norm a step finds every NaN; transformers would log it as 0.0 and
        train on (its `logging_nan_inf_filter`).
        """
        norm = full(super()._get_grad_norm(model, grad_norm=grad_norm))
        loss, norm = self._of_all_ranks(norm)
        passes, self._passes = self._passes, []
        self._loss_so_far.zero_()
        reporter = self.watch.reporter
        seen = Observation(self.state.global_step + 1, loss, norm)
        reporter.skips_step = not self._guardian.lets_pass(
            seen, lambda: [Pass(float(share), rows) for share, rows in passes]
        )
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
        counts = [reporter.step_tokens, *reporter.step_sources]
        own = torch.cat([loss[None], loss.new_tensor([norm]), loss.new_tensor(counts)])
        of_all = self.accelerator.gather(own[None])
        reporter.step_tokens, *reporter.step_sources = of_all[:, 2:].sum(0).long().tolist()
        # max() of torch is NaN where one of them is.
        return float(of_all[:, 0].sum().item()), float(of_all[:, 1].max().item())

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

    @override
    def set_initial_training_values(self, *args: Any, **named: Any) -> Any:
        """Let the epochs reach as far as the data, of which rollbacks use more than steps do."""
        epochs, steps_in_epoch, *others = super().set_initial_training_values(*args, **named)
        ahead = self.watch.reporter.totals.guard.ahead
        return epochs + -(-ahead // steps_in_epoch), steps_in_epoch, *others

    @override
    def _init_training_state(self, *args: Any, **named: Any) -> tuple[int, int]:
        """Return the epoch and the forward passes in it at which the data goes on."""
        epochs, passes = super()._init_training_state(*args, **named)
        ahead = self.watch.reporter.totals.guard.ahead
        if not ahead:
            return epochs, passes
        steps_in_epoch = args[1]
        epochs, steps = divmod(self.state.global_step + ahead, steps_in_epoch)
        return epochs, steps * self.args.gradient_accumulation_steps

    @override
    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        try:
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        except (RuntimeError, ValueError) as error:
            if not any(sign in str(error) for sign in MISFITS):
                raise
            raise _of_another_model(resume_from_checkpoint) from error

    @override
    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """Refuse weights that are not the model's: the library would keep fresh ones, and warn."""
        tied = set(getattr(self.model, "_tied_weights_keys", None) or ())
        if load_result.unexpected_keys or set(load_result.missing_keys) - tied:
            raise _of_another_model(self.args.output_dir)

    @override
    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        saved = read_manifest(Path(checkpoint)) if checkpoint is not None else None
        if saved is not None:
            guard = self.watch.reporter.totals.guard
            lower_rate(self.lr_scheduler, rate_factor(self.spec.guard, guard, saved.totals.guard))

    def load_weights(self, checkpoint: Path) -> None:
        """Load the weights of a checkpoint, and nothing else of it."""
        self._load_from_checkpoint(str(checkpoint))


def _of_another_model(place: str) -> BadSpecError:
    return BadSpecError(
        f"The checkpoint in {place} is of another model than the spec's: its weights do not fit.",
        remedy="Give this spec an output folder of its own, or bring back the spec of before.",
    )


class _KeepsTheStart(TrainerCallback):
    """Saves step 0, so that a rollback always has somewhere to go."""

    def __init__(self, trainer: Watched) -> None:
        self._trainer = trainer

    @override
    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 0 and not self._trainer.watch.reporter.totals.guard.rollbacks:
            self._trainer._save_checkpoint(self._trainer.model, None)  # noqa: SLF001


def lower_rate(scheduler: Any, factor: float) -> None:
    """Multiply the learning rate by `factor`, now and for the rest of the schedule.

    The base rates and the optimizer's own are in every checkpoint, so that this lasts.
    """
    if factor == 1:
        return
    scheduler.base_lrs = [rate * factor for rate in scheduler.base_lrs]
    for group in scheduler.optimizer.param_groups:
        group["lr"] *= factor
        group["initial_lr"] *= factor
    scheduler._last_lr = [group["lr"] for group in scheduler.optimizer.param_groups]  # noqa: SLF001


def precision_of(spec: RunSpec, model: Any, spread: Spread = WHOLE) -> Precision:
    """Return what the model is computed in on this machine. Raises `BadSpecError`."""
    width = model.config.get_text_config().hidden_size
    return precision_on(
        this_device(), spec.compute.precision, width=width, is_sharded=spread.is_sharded
    )


def common_arguments(
    spec: RunSpec, *, steps: int, checkpoints: Path, precision: Precision
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
        "bf16": precision.is_bf16,
        "ddp_find_unused_parameters": False,
        "dataloader_pin_memory": on_gpu,
        "logging_strategy": "no",
        "logging_nan_inf_filter": False,
        "save_strategy": "no",
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
