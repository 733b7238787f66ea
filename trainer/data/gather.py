"""Gather the rows that a spec names: checked and split, before anything heavy is loaded.

Each source is read once here, from its beginning to its end; who trains on its rows reads them
again. No source is held in memory.
"""

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from trainer.contract.data import DataSource
from trainer.contract.spec import RunSpec
from trainer.data.census import Census
from trainer.data.mixture import Mixture, TrainingSource
from trainer.data.read import RowReader
from trainer.data.rows import Row
from trainer.data.split import Seen, left, short_hash
from trainer.errors import BadDataError
from trainer.method import find_method
from trainer.tasks import asked_rows


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and rows to judge by.

    `shared` counts the distinct rows that were in a training source and in `data.eval`, and are
    not learned.
    """

    train: Mixture
    held_out: tuple[Row, ...]
    shared: int = 0


@dataclass(frozen=True)
class Gathered:
    """Checked rows; `rows` counts those of all training sources before the split."""

    split: Split
    rows: int
    eval_sha256: str | None
    census: Census | None = None

    @property
    def sha256(self) -> str:
        """Return the file's hash; of several sources one hash of all, their weights included."""
        sources = self.split.train.sources
        if len(sources) == 1:
            return sources[0].reader.sha256
        text = json.dumps([[one.uri, one.reader.sha256, one.weight] for one in sources])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def identity(self) -> str:
        """Return what must be equal for a resumed run to see the same rows."""
        return self.sha256 if self.eval_sha256 is None else f"{self.sha256}+{self.eval_sha256}"

    @property
    def contents(self) -> tuple[str | None, ...]:
        """Return the hash of every source, the one of `data.eval` last."""
        return (*(one.reader.sha256 for one in self.split.train.sources), self.eval_sha256)


def gather(
    spec: RunSpec,
    workdir: Path,
    inputs: Mapping[str, Path] | None = None,
    census: Census | None = None,
) -> Gathered:
    """Return the spec's rows. Raises `BadDataError`, which names faults by file and line.

    Rows that a task of `eval.tasks` asks about are not learned either. Raises `SpecError` for a
    task that is not there.

    `inputs` says where `train`, `eval` and `mix0`, `mix1`, ... lie, if not where the spec says.
    `census` counts what is read.
    """
    given = inputs or {}
    asked = {short_hash(row) for row in asked_rows(spec.eval.tasks, workdir)}
    kinds = find_method(spec.method).ROWS

    def read(name: str, source: DataSource) -> _Read:
        reader, seen = RowReader(source, kinds, workdir, given.get(name)), Seen(spec.eval.max_rows)
        rows = reader if census is None else census.watch(name, source.uri, reader)
        deque(seen.watch(rows), maxlen=0)
        if census is not None:
            census.sources[name].sha256 = reader.sha256
            census.sources[name].format = reader.format
        return _Read(reader, seen)

    judged = read("eval", spec.data.eval) if spec.data.eval is not None else None
    sources = [read(name, source) for name, source in spec.data.training_sources.items()]
    weights = [1.0, *(source.weight for source in spec.data.mix)]
    split = _split(spec, _Sources(sources, weights, asked), judged)
    if census is not None and judged is None:
        kept = (source.left for source in split.train.sources)
        names = spec.data.training_sources
        census.judge(split.held_out, dict(zip(names, kept, strict=True)))
    if census is not None:
        census.forget()
    rows = sum(len(source.seen.hashes) for source in sources)
    return Gathered(split, rows, judged.reader.sha256 if judged is not None else None, census)


@dataclass(frozen=True)
class _Read:
    """A source that was read to its end."""

    reader: RowReader
    seen: Seen


@dataclass(frozen=True)
class _Sources:
    """What is learned from, with weights, and the hashes of rows that a task `asked` about."""

    read: Sequence[_Read]
    weights: Sequence[float]
    asked: AbstractSet[int]

    def without(self, apart: AbstractSet[int]) -> Mixture:
        """Return the rows that are neither in `apart` nor asked about."""
        kept = apart | self.asked
        return Mixture(
            [
                TrainingSource(read.reader, weight, read.seen.hashes, left(read.seen.hashes, kept))
                for read, weight in zip(self.read, self.weights, strict=True)
            ]
        )


def _split(spec: RunSpec, sources: _Sources, judged: _Read | None) -> Split:
    """Return the rows of all sources without those that are judged by, in whichever they are."""
    if judged is not None:
        apart: AbstractSet[int] = set(judged.seen.hashes)
        held_out: Mapping[int, Row] = judged.seen.smallest(spec.eval.max_rows)
    else:
        held_out = _held_out(spec, [source.seen for source in sources.read])
        apart = held_out.keys()
    train = sources.without(apart)
    if not len(train) and judged is not None:
        names = " and ".join(source.reader.source.uri for source in sources.read)
        raise BadDataError(
            f"Every row of {names} is also in {judged.reader.source.uri}: nothing is left to "
            "learn.",
            remedy="Leave data.eval empty to hold a part of the training rows out.",
        )
    if not len(train):  # There is a single distinct row, and it is judged by that.
        train = sources.without(frozenset())
    hashes = () if judged is None else (source.seen.hashes for source in sources.read)
    shared = {key for of_source in hashes for key in of_source if key in apart}
    return Split(train, tuple(held_out[key] for key in sorted(held_out)), len(shared))


def _held_out(spec: RunSpec, seen: Sequence[Seen]) -> Mapping[int, Row]:
    """Return rows to judge by of each source, as many as it has of all rows."""
    most, total = spec.eval.max_rows, sum(len(one.hashes) for one in seen)
    found: dict[int, Row] = {}
    for one in seen:
        share = max(1, most * len(one.hashes) // total)
        found |= one.below(spec.data.eval_fraction, share)
    return found or seen[0].smallest(1)
