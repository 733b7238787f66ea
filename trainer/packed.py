"""The loop of pretraining and fine-tuning: TRL's SFTTrainer with our batches, attention and loss.

No loop of our own: this subclass reached 94 % of what a bare PyTorch loop does on the same data,
and nine times the SFTTrainer as it comes (padding, dense masks, logits of every position, metrics
that synchronise each step).
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
from torch import Tensor
from trl import SFTConfig, SFTTrainer
from typing_extensions import override

from trainer.compiled import Plan, compiled_core, first_pass
from trainer.context import Context
from trainer.contract.progress import Phase, PhaseLine
from trainer.contract.spec import RunSpec
from trainer.judge import held_out_loss, perplexity
from trainer.loop import Ingredients, Watch
from trainer.loss import Scored, install_scoring
from trainer.model import lora_config, make_model
from trainer.precision import Precision
from trainer.prepare import Prepared, prepare
from trainer.sharding import leave_in_place
from trainer.tokens.padding import PaddedBatches
from trainer.watched import Watched, common_arguments, precision_of


class PackedTrainer(Watched, SFTTrainer):
    """SFTTrainer on packed batches."""

    # The loss is divided by the tokens of the whole step, not by micro-batch.
    loss_is_scaled_for_ga = True

    def __init__(
        self, *, context: Context, watch: Watch, precision: Precision, plan: Plan, **options: Any
    ) -> None:
        super().__init__(**options, callbacks=list(watch.callbacks))
        self.begin_watching(context.spec, watch, precision)
        model = self.model.get_base_model() if options["peft_config"] else self.model
        self._core, self._why = compiled_core(context, model, plan)
        install_scoring(
            model,
            has_plain_head=plan.allows.has_plain_head,
            core=self._core.hidden if self._core is not None else None,
        )

    @property
    @override
    def compiles(self) -> bool:
        return self._core is not None and self._core.is_on

    @property
    @override
    def how(self) -> str:
        return f"{self._why} {super().how}"

    @override
    def training_step(self, model: Any, inputs: Any, *more: Any, **named: Any) -> Tensor:
        """Make the first pass again without compiled code, if it fails with it."""

        def step() -> Tensor:
            return super(PackedTrainer, self).training_step(model, dict(inputs), *more, **named)

        if self._core is None or self._core.is_proven:
            return step()
        loss, failure = first_pass(self._core, step, self._undo)
        if failure:
            self._why = failure
            progress = self.watch.reporter.context.progress
            progress.write(PhaseLine, phase=Phase.TRAIN, note=self.how)
        return loss

    def _undo(self) -> None:
        """Take back what the first pass of a step has left."""
        self.model.zero_grad(set_to_none=True)
        self.uncount()

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
        mask = inputs.get("attention_mask")
        self.count(loss, inputs["input_ids"].numel() if mask is None else int(mask.sum()))
        # The count is of every rank's tokens, and DDP averages gradients over ranks.
        ranks: int = self.accelerator.num_processes
        return loss * ranks


class PackedLoop:
    """Rows packed into batches of tokens, and the trainer that learns them."""

    def __init__(self, ingredients: Ingredients) -> None:
        self._context, self._base = ingredients.context, ingredients.base
        self._prepared = prepare(ingredients.context, ingredients.gathered, ingredients.base)
        self.data, self.tokenizer = self._prepared.data, self._prepared.tokenizer
        self.steps = self._prepared.steps
        self.steps_in_epoch = self._prepared.steps_in_epoch
        self.lengths = self._prepared.train.sequences.lengths

    def make_trainer(self, watch: Watch) -> PackedTrainer:
        """Return the trainer around the model."""
        spec = self._context.spec
        model = make_model(spec, self.tokenizer, self._base)
        precision = precision_of(spec, model.module, watch.spread)
        if not model.allows.packs:
            self._prepared = padded(self._prepared)
        if model.allows.why:
            self._context.progress.write(PhaseLine, phase=Phase.DATA, note=model.allows.why)
        return PackedTrainer(
            context=self._context,
            watch=watch,
            precision=precision,
            plan=Plan(
                model.allows,
                watch.spread,
                tokens=self._prepared.tokens,
                is_bf16=precision.is_bf16,
                before=watch.compiled,
            ),
            model=leave_in_place(model.module) if watch.spread.is_sharded else model.module,
            args=training_arguments(
                spec,
                self._prepared,
                self._context.checkpoints,
                precision=precision,
                recomputes=watch.spread.recomputes,
            ),
            train_dataset=bin_numbers(self._prepared),
            data_collator=self._prepared.train,
            processing_class=self.tokenizer,
            peft_config=lora_config(spec.tuning, model.module),
        )

    def judge(self, model: Any) -> Mapping[str, float]:
        """Return the mean loss over every trained token of the held-out sequences."""
        loss = held_out_loss(model, self._prepared.held_out)
        return {"loss": loss, "perplexity": perplexity(loss)}

    def example(self) -> Tensor:
        """Return the first held-out sequence."""
        tokens: Tensor = self._prepared.held_out.batch([0])["input_ids"]
        return tokens


def padded(prepared: Prepared) -> Prepared:
    """Return the same batches as rows of equal length."""
    train, held_out = prepared.train, prepared.held_out
    return replace(
        prepared,
        train=PaddedBatches(train.sequences, train.bins),
        held_out=PaddedBatches(held_out.sequences, held_out.bins),
    )


def training_arguments(
    spec: RunSpec,
    prepared: Prepared,
    checkpoints: Path,
    *,
    precision: Precision,
    recomputes: bool = False,
) -> SFTConfig:
    """Return the arguments for transformers and TRL: one packed batch a forward pass."""
    return SFTConfig(
        **common_arguments(
            spec, steps=prepared.steps, checkpoints=checkpoints, precision=precision
        ),
        per_device_train_batch_size=1,
        gradient_accumulation_steps=prepared.accumulate,
        activation_checkpointing=recomputes,
        max_length=None,
        remove_unused_columns=False,
        dataset_kwargs={"skip_prepare_dataset": True},
    )


def bin_numbers(prepared: Prepared) -> datasets.Dataset:
    """Return the dataset that the trainer shuffles: one row for each packed batch."""
    return datasets.Dataset.from_dict({"bin": list(range(len(prepared.train.bins)))})
