"""Small data of preferences, and specs that learn from it on top of the session's small run."""

import json
from pathlib import Path
from typing import Any

from tests.trainer.small import COLOURS, context_of, small_spec
from trainer.attempt import Attempt, attempt_of
from trainer.contract.spec import RunSpec
from trainer.data.gather import gather
from trainer.loop import Ingredients

FILES = {"dpo": "pairs.jsonl", "kto": "judged.jsonl"}


def preference_spec(method: str, **changes: Any) -> RunSpec:
    """Return a spec of the method; `steps` are 40, of which an epoch has about 10."""
    spec = {
        "method": method,
        "model": {"source": "run:run-20261123-small2"},
        "data": {"train": {"uri": FILES[method]}, "max_length": 64, "eval_fraction": 0.2},
        "budget": {"steps": 16},
        "optim": {"lr": 0.005},
        "eval": {"every_steps": 8},
        "checkpoint": {"every_steps": 4, "keep": 5},
    }
    return small_spec(**{**spec, **changes})


def asked(number: int) -> str:
    return f"What colour is thing {number}?"


def answers(number: int) -> tuple[str, str]:
    """Return the better answer, worded as the base model never worded one, and its own."""
    colour = COLOURS[number % 5]
    more = " or so they say" * (number % 4)
    return f"Surely {colour}{more}.", f"It is {colour}."


def write_preferences(folder: Path, *, rows: int = 100) -> None:
    """Write the same questions as pairs and as judged answers."""
    pairs, judged = [], []
    for number in range(rows):
        better, worse = answers(number)
        pairs.append({"prompt": asked(number), "chosen": better, "rejected": worse})
        answer = better if number % 2 else worse
        judged.append({"prompt": asked(number), "completion": answer, "label": bool(number % 2)})
    for name, found in (("dpo", pairs), ("kto", judged)):
        text = "".join(json.dumps(row) + "\n" for row in found)
        (folder / FILES[name]).write_text(text)


def ingredients(spec: RunSpec, folder: Path, base: Path) -> Ingredients:
    """Return what a run in `folder` is made of; data lies there."""
    return Ingredients(context_of(spec, folder), gather(spec, folder), base)


def attempt(spec: RunSpec, folder: Path, base: Path) -> Attempt:
    """Return an attempt that has not begun to train."""
    return attempt_of(ingredients(spec, folder, base))
