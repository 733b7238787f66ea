"""A small spec and small data for it, which a model learns in seconds."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trainer.context import Context
from trainer.contract.progress import ProgressLine, read_line
from trainer.contract.spec import RunSpec, spec_hash
from trainer.progress import Progress

ROOT = Path(__file__).parents[2]
SMALL: dict[str, Any] = {
    "recipe": "small",
    "name": "small",
    "method": "sft",
    "model": {
        "config": {
            "hidden_size": 32,
            "layers": 2,
            "heads": 2,
            "intermediate_size": 64,
            "vocab_size": 300,
        }
    },
    "data": {"train": {"uri": "colours.jsonl"}, "max_length": 64, "eval_fraction": 0.1},
    "batch": {"tokens_per_step": 512},
    "budget": {"steps": 40},
    "optim": {"lr": 0.01},
    "eval": {"every_steps": 20, "prompts": ["What colour is thing 7?"], "sample_tokens": 12},
    "checkpoint": {"every_steps": 10},
}
COLOURS = ("red", "green", "blue", "white", "black")


def small_spec(**changes: Any) -> RunSpec:
    """Return the small spec with whole parts replaced."""
    return RunSpec.model_validate({**SMALL, **changes})


def write_colours(folder: Path, *, rows: int = 200, answer: str = "It is {}.") -> Path:
    """Write question/answer pairs that a small model can learn."""
    path = folder / "colours.jsonl"
    pairs = (
        {"question": f"What colour is thing {n}?", "answer": answer.format(COLOURS[n % 5])}
        for n in range(rows)
    )
    path.write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    return path


def read_progress(output: Path) -> list[ProgressLine]:
    """Return every line of a run's progress file; each must be readable."""
    return [read_line(text) for text in (output / "progress.jsonl").read_bytes().splitlines()]


def process_environment(extra: dict[str, str]) -> dict[str, str]:
    """Return the environment for a trainer's process: ours without settings of the product."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("KRSP_")}
    kept.pop("MLFLOW_TRACKING_URI", None)
    return {**kept, "PYTHONPATH": str(ROOT), **extra}


def context_of(
    spec: RunSpec,
    folder: Path,
    *,
    say: Callable[[str], None] = print,
    output: Path | None = None,
    **more: Any,
) -> Context:
    """Return what an attempt in this very process works with; data and cache lie in `folder`."""
    output = output or folder / "output"
    return Context(
        spec=spec,
        spec_sha256=spec_hash(spec),
        output=output,
        home=folder,
        cache=folder / "cache",
        workdir=folder,
        run_id="run-20261123-inproc",
        attempt=1,
        progress=Progress(output, attempt=1, say=say),
        **more,
    )
