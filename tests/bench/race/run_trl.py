"""TRL's SFTTrainer: `default`, or `best` (rows grouped by length, activations kept)."""

from gauge import MAX_LENGTH, ROWS, Gauge, Task

GAUGE, TASK = Gauge(), Task.given()

import datasets  # noqa: E402
from meter import Meter, metered  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

BEST = {"gradient_checkpointing": False, "train_sampling_strategy": "group_by_length"}


def main() -> None:
    """Train, and tell."""
    datasets.disable_progress_bars()
    GAUGE.mark("imports")
    rows = datasets.load_dataset(
        "json",
        data_files=str(TASK.material / "rows.jsonl"),
        split="train",
        cache_dir=str(TASK.scratch / "datasets"),
    )
    model = str(TASK.material / "model")
    tokenizer = AutoTokenizer.from_pretrained(model)
    GAUGE.mark("reading")
    trainer = metered(SFTTrainer, GAUGE, padding=tokenizer.pad_token_id)(
        model=model,
        args=SFTConfig(
            **TASK.common,
            per_device_train_batch_size=ROWS,
            max_length=MAX_LENGTH,
            assistant_only_loss=True,
            **(BEST if TASK.variant == "best" else {}),
        ),
        train_dataset=rows,
        processing_class=tokenizer,
        callbacks=[Meter(GAUGE)],
    )
    GAUGE.mark("model and encoding")
    trainer.train()
    GAUGE.tell()


main()
