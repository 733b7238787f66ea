"""transformers' Trainer as its examples use it: rows padded to the longest that there may be."""

from gauge import MAX_LENGTH, ROWS, Gauge, Task

GAUGE, TASK = Gauge(), Task.given()

import datasets  # noqa: E402
import torch  # noqa: E402
from meter import Meter, metered  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    AutoTokenizer,
    Trainer,
    TrainingArguments,
)


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
    tokenizer = AutoTokenizer.from_pretrained(TASK.material / "model")
    GAUGE.mark("reading")

    def encode(row: dict[str, object]) -> dict[str, list[int]]:
        found = tokenizer.apply_chat_template(
            row["messages"],
            return_dict=True,
            return_assistant_tokens_mask=True,
            padding="max_length",
            truncation=True,
            max_length=MAX_LENGTH,
        )
        tokens, learned = found["input_ids"], found["assistant_masks"]
        labels = [t if is_learned else -100 for t, is_learned in zip(tokens, learned, strict=True)]
        return {
            "input_ids": tokens,
            "attention_mask": found["attention_mask"],
            "labels": labels,
        }

    encoded = rows.map(encode, remove_columns=rows.column_names)
    GAUGE.mark("encoding")
    model = AutoModelForCausalLM.from_pretrained(TASK.material / "model", dtype=torch.float32)
    trainer = metered(Trainer, GAUGE, padding=tokenizer.pad_token_id)(
        model=model,
        args=TrainingArguments(**TASK.common, per_device_train_batch_size=ROWS),
        train_dataset=encoded,
        callbacks=[Meter(GAUGE)],
    )
    GAUGE.mark("model")
    trainer.train()
    GAUGE.tell()


main()
