"""Gather the rows that a spec names: read, checked and split, before anything heavy is loaded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trainer.contract.spec import RunSpec
from trainer.data.read import read_rows
from trainer.data.split import Split, keep_apart, split
from trainer.errors import BadDataError
from trainer.method import find_method


@dataclass(frozen=True)
class Gathered:
    """Checked rows. `sha256` is the training source's; `rows` counts them before the split."""

    split: Split
    rows: int
    sha256: str
    eval_sha256: str | None

    @property
    def identity(self) -> str:
        """Return what must be equal for a resumed run to see the same rows."""
        return self.sha256 if self.eval_sha256 is None else f"{self.sha256}+{self.eval_sha256}"


def gather(spec: RunSpec, workdir: Path, inputs: Mapping[str, Path] | None = None) -> Gathered:
    """Return the spec's rows. Raises `BadDataError`, which names faults by file and line.

    `inputs` says where `train` and `eval` lie, if not where the spec says.
    """
    given = inputs or {}
    data, limit = spec.data, spec.eval.max_rows
    kinds = find_method(spec.method).ROWS
    train = read_rows(data.train, kinds, workdir, given.get("train"))
    if data.eval is None:
        parts = split(train.rows, fraction=data.eval_fraction, max_held_out=limit)
        return Gathered(parts, len(train.rows), train.sha256, None)
    judged = read_rows(data.eval, kinds, workdir, given.get("eval"))
    parts = keep_apart(train.rows, judged.rows, max_held_out=limit)
    if not parts.train:
        raise BadDataError(
            f"Every row of {data.train.uri} is also in {data.eval.uri}: nothing is left to learn.",
            remedy="Leave data.eval empty to hold a part of the training rows out.",
        )
    return Gathered(parts, len(train.rows), train.sha256, judged.sha256)
