"""Our loop learns what TRL's own does on the same batches: packed and fused against padded."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from trl import SFTConfig, SFTTrainer

from tests.trainer.small import context_of, small_spec, write_colours
from trainer.attempt import attempt_of
from trainer.data.gather import gather
from trainer.loop import Ingredients
from trainer.model import make_model
from trainer.packed import bin_numbers, padded
from trainer.prepare import prepare
from trainer.tokens.padding import PaddedBatches

STEPS = 8
SPEC = small_spec(
    budget={"steps": STEPS},
    eval={"every_steps": STEPS},
    checkpoint={"every_steps": STEPS},
    optim={"lr": 0.01, "schedule": "linear", "warmup_fraction": 0.0},
)


class Stock(SFTTrainer):
    """TRL's trainer as it is; only its losses are taken down."""

    losses: list[float]

    def training_step(self, model: Any, inputs: Any, *more: Any, **named: Any) -> Tensor:
        loss: Tensor = super().training_step(model, inputs, *more, **named)
        self.losses.append(loss.item())
        return loss


def plain(batches: PaddedBatches, examples: list[dict[str, int]]) -> dict[str, Tensor]:
    """Return what TRL's own collator would: no row numbers."""
    found = batches(examples)
    return {name: found[name] for name in ("input_ids", "attention_mask", "labels")}


# TRL computes its entropy with a call that torch calls old.
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_losses_are_those_of_trls_own_trainer_on_the_same_batches(tmp_path: Path) -> None:
    write_colours(tmp_path)
    context = context_of(SPEC, tmp_path, say=lambda _text: None, every_step=True)
    gathered = gather(SPEC, tmp_path)
    ours: list[float] = []
    context.progress.listeners.append(
        lambda line: ours.append(line.loss) if line.kind == "step" else None
    )
    attempt = attempt_of(Ingredients(context, gathered, None))
    attempt.trainer.train()

    prepared = padded(prepare(context, gathered, None))
    torch.manual_seed(SPEC.optim.seed)
    module = make_model(SPEC, prepared.tokenizer, None).module
    module.set_attn_implementation("sdpa")
    trainer = Stock(
        model=module,
        args=SFTConfig(
            output_dir=str(tmp_path / "stock"),
            max_steps=STEPS,
            per_device_train_batch_size=1,
            learning_rate=SPEC.optim.lr,
            lr_scheduler_type="linear",
            bf16=False,
            use_cpu=True,
            seed=SPEC.optim.seed,
            data_seed=SPEC.optim.seed,
            max_length=None,
            gradient_checkpointing=False,
            remove_unused_columns=False,
            dataset_kwargs={"skip_prepare_dataset": True},
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
        ),
        train_dataset=bin_numbers(prepared),
        data_collator=lambda examples: plain(prepared.train, examples),
        processing_class=prepared.tokenizer,
    )
    trainer.losses = []
    trainer.train()
    assert len(ours) == len(trainer.losses) == STEPS
    assert ours[-1] < ours[0]
    assert ours == pytest.approx(trainer.losses, abs=1e-4)
