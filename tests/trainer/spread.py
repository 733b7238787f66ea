"""Runs of a small model that one process can make, or two together, and what they show.

`python -m tests.trainer.spread FOLDER` is one of two processes: it carries out every run that
`FOLDER/runs.json` names, one after the other, and writes what it saw. Several runs in two
processes cost little more than one: most of the time goes into loading the libraries.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.distributed.tensor import DTensor
from transformers import TrainerCallback

from tests.trainer.faults import OnceBad, with_callbacks
from tests.trainer.small import COLOURS, context_of, small_spec
from trainer.attempt import attempt_of
from trainer.context import Context
from trainer.contract.spec import RunSpec
from trainer.data.gather import gather
from trainer.group import join, leave, wait_for_all
from trainer.lineage import lineage
from trainer.loop import Ingredients
from trainer.outside import Outside
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


def carry_out(context: Context, base: str | None = None, bad: Sequence[int] = ()) -> dict[str, Any]:
    """Train as the product does, and return what was seen; `bad` steps are NaN here, once."""
    gathered = gather(context.spec, context.workdir)
    attempt = attempt_of(Ingredients(context, gathered, Path(base) if base else None))
    trainer = attempt.trainer
    look, losses = Look(), Losses(trainer.watch.reporter)
    with_callbacks(attempt, look, losses, OnceBad(bad))
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
    if seat.ranks > 1:
        join(seat, env)
    for name, run in json.loads((folder / "runs.json").read_text()).items():
        if seat.is_first:
            prepare(folder, name, run.get("goes_on_from"))
        wait_for_all()
        spec = RunSpec.model_validate(run["spec"])
        place = on_machines if spec.compute.nodes > 1 else on_one_machine
        bad = run["bad"] if seat.rank == 1 and "bad" in run else ()
        seen = carry_out(place(spec, folder / name, seat), run.get("base"), bad)
        torch.save(seen, folder / name / f"rank-{seat.rank}.pt")
    leave()


def on_one_machine(spec: RunSpec, folder: Path, seat: Seat) -> Context:
    """Return a process's context where all of them share a disk."""
    output = folder / "output"
    own = output if seat.is_first else output / f"rank-{seat.rank}"
    return context_of(spec, folder, output=own, seat=seat, shared=output)


def on_machines(spec: RunSpec, folder: Path, seat: Seat) -> Context:
    """Return it where each has a machine with a disk, and all see the folder `keep`."""
    disk = folder / ("output" if seat.is_first else f"machine-{seat.rank}")
    alone_there = replace(seat, local_rank=0, local_ranks=1)
    outside = Outside(keep=folder / "keep")
    return context_of(spec, folder, output=disk, seat=alone_there, shared=disk, outside=outside)


def prepare(folder: Path, name: str, goes_on_from: str | None) -> None:
    """Make a run's folder with data, and with another run's checkpoint in the middle of it."""
    write_uneven_rows(folder / name)
    for place in ("output/checkpoints", "keep") if goes_on_from else ():
        saved = f"{place}/step-{SAVED:08d}"
        if (folder / str(goes_on_from) / saved).exists():
            shutil.copytree(folder / str(goes_on_from) / saved, folder / name / saved)


if __name__ == "__main__":
    main(Path(sys.argv[1]), os.environ)
