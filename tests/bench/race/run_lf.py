"""LLaMA-Factory: `default`, or `best` (rows packed, each attending to itself). In its own venv."""

from gauge import MAX_LENGTH, ROWS, Gauge, Task

GAUGE, TASK = Gauge(), Task.given()

import importlib.machinery  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import types  # noqa: E402

# It loads torchaudio whatever the data is, whose wheels go with other builds of torch.
STUB = types.ModuleType("torchaudio")
STUB.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
sys.modules["torchaudio"] = STUB
# It asks for older versions than it runs with.
os.environ["DISABLE_VERSION_CHECK"] = "1"
os.environ["HF_DATASETS_CACHE"] = str(TASK.scratch / "datasets")

from llamafactory.train.tuner import run_exp  # noqa: E402
from meter import Meter, metered  # noqa: E402
from transformers import Trainer  # noqa: E402

PADDING = 3  # `<|pad|>`, see material.py
BEST = {"packing": True, "neat_packing": True}
NAMES = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
}


def main() -> None:
    """Train, and tell."""
    GAUGE.mark("imports")
    (TASK.scratch / "dataset_info.json").write_text(
        json.dumps(
            {
                "race": {
                    "file_name": str(TASK.material / "rows.jsonl"),
                    "formatting": "sharegpt",
                    "columns": {"messages": "messages"},
                    "tags": NAMES,
                }
            }
        ),
        "utf-8",
    )
    # Its own trainer calls this one's; the count is put in between.
    Trainer.training_step = metered(Trainer, GAUGE, padding=PADDING).training_step  # type: ignore[attr-defined]
    run_exp(
        args={
            **TASK.common,
            "stage": "sft",
            "do_train": True,
            "finetuning_type": "full",
            "model_name_or_path": str(TASK.material / "model"),
            "dataset_dir": str(TASK.scratch),
            "dataset": "race",
            "template": "chatml",
            "cutoff_len": MAX_LENGTH,
            "overwrite_output_dir": True,
            "per_device_train_batch_size": ROWS,
            "gradient_accumulation_steps": 1,
            "logging_steps": 10,
            **(BEST if TASK.variant == "best" else {}),
        },
        callbacks=[Meter(GAUGE)],
    )
    GAUGE.tell()


main()
