"""Runs of a small model that one process can make, or two together, and what they show.

`python -m tests.trainer.spread FOLDER` is one of two processes: it carries out every run that
`FOLDER/runs.json` names, one after the other, and writes what it saw. Several runs in two
processes cost little more than one: most of the time goes into loading the libraries.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback

from tests.trainer.small import COLOURS, context_of, small_spec
from trainer.attempt import attempt_of
from trainer.context import Context
from trainer.contract.spec import RunSpec
from trainer.data.gather import gather
from trainer.group import join, leave, wait_for_all
from trainer.lineage import lineage
from trainer.loop import Ingredients
from trainer.processes import Seat
from trainer.tokens.packing import IGNORED

STEPS, SAVED = 6, 3


def write_uneven_rows(folder: Path) -> None:
    """Write answers of one to nine sentences, so that batches learn very different numbers."""
    rows = (
        {
            "question": f"What colour is thing {n}?",
            "answer": " ".join([f"It is {COLOURS[n % 5]}."] * (9 if n * n % 7 == 2 else 1)),
        }
        for n in range(160)
    )
    folder.mkdir(exist_ok=True)
    (folder / "colours.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def spread_spec(**changes: Any) -> RunSpec:
    """Return the spec: four forward passes in a step, however many processes make them."""
    changes = {"budget": {"steps": STEPS}, "checkpoint": {"every_steps": SAVED}, **changes}
    changes.setdefault("batch", {"tokens_per_step": 512, "micro_tokens": 128})
    changes.setdefault("data", {"train": {"uri": "colours.jsonl"}, "max_length": 128})
    changes.setdefault("eval", {"every_steps": 3})
    return small_spec(**changes)


class Look(TrainerCallback):
    """Takes down the gradients of the first step, and how many tokens each forward pass learns."""

    def __init__(self) -> None:
        self.gradients: dict[str, torch.Tensor] = {}
        self.learned: list[int] = []
        self.types: set[str] = set()

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.gradients:
            return
        for name, weight in kwargs["model"].named_parameters():
            self.types.add(type(weight.data).__name__)
            if weight.grad is not None:
                whole = weight.grad
                self.gradients[name] = (
                    whole.full_tensor() if isinstance(whole, DTensor) else whole.clone()
                )

    def collating(self, collate: Any) -> Any:
        """Return `collate` with a count of what it hands out."""

        def counted(examples: Any) -> Any:
            batch = collate(examples)
            self.learned.append(int((batch["labels"] != IGNORED).sum()))
            return batch

        return counted


class Losses(TrainerCallback):
    """Takes down the loss of each step; not every step gets a line."""

    def __init__(self, reporter: Any) -> None:
        self.reporter, self.seen = reporter, dict[int, float]()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seen[state.global_step] = self.reporter.step_loss


def carry_out(context: Context, base: Path | None = None) -> dict[str, Any]:
    """Train as the product does, and return what was seen."""
    gathered = gather(context.spec, context.workdir)
    attempt = attempt_of(Ingredients(context, gathered, base))
    trainer = attempt.trainer
    look, losses = Look(), Losses(trainer.watch.reporter)
    trainer.add_callback(look)
    trainer.add_callback(losses)
    trainer.data_collator = look.collating(trainer.data_collator)
    attempt.train()
    origin = lineage(
        run_id=context.run_id,
        attempt=1,
        spec_sha256=context.spec_sha256,
        data_sha256=gathered.identity,
    )
    attempt.judge_and_export(origin if context.is_first else None)
    return {
        "losses": losses.seen,
        "eval_loss": attempt.judge.latest,
        "gradients": look.gradients,
        "learned": look.learned,
        "types": sorted(look.types),
    }


def main(folder: Path, env: Mapping[str, str]) -> None:
    """Carry out the runs of `folder`; each process writes `rank-N.pt` beside the output."""
    seat = Seat.of(env)
    join(seat, env)
    for name, run in json.loads((folder / "runs.json").read_text()).items():
        own = folder / name
        output = own / "output"
        if seat.is_first:
            prepare(folder, name, run.get("goes_on_from"))
        wait_for_all()
        context = context_of(
            RunSpec.model_validate(run["spec"]),
            own,
            output=output if seat.is_first else output / f"rank-{seat.rank}",
            seat=seat,
            shared=output,
        )
        seen = carry_out(context, Path(run["base"]) if "base" in run else None)
        torch.save(seen, own / f"rank-{seat.rank}.pt")
    leave()


def prepare(folder: Path, name: str, goes_on_from: str | None) -> None:
    """Make a run's folder with data, and with another run's checkpoint in the middle of it."""
    write_uneven_rows(folder / name)
    if goes_on_from is not None:
        saved = f"output/checkpoints/step-{SAVED:08d}"
        shutil.copytree(folder / goes_on_from / saved, folder / name / saved)


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ)
