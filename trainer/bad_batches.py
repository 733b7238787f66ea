"""Name the rows of a batch that went wrong, and keep them in a file for the person to look at."""

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer.contract.progress import GuardAction
from trainer.data.mixture import Mixture
from trainer.data.rows import row_json
from trainer.guarding import Finding

FILE = "bad_batches.jsonl"
# Enough to see what is wrong, however many rows a batch has.
MOST_ROWS = 64
EXCERPT_CHARACTERS = 200


@dataclass(frozen=True)
class Pass:
    """One forward pass of the step: its share of the loss, and the numbers of its rows."""

    loss: float
    rows: tuple[int, ...]


@dataclass(frozen=True)
class NamedRow:
    """Where a row came from, and how it begins."""

    source: str
    line: int
    begins: str

    @property
    def place(self) -> str:
        """Return file and line, without a word of the row itself."""
        return f"{self.source}:{self.line}"


class BadBatches:
    """Appends a batch with its rows to `bad_batches.jsonl` in `folder`; copies go to `copies`."""

    def __init__(self, folder: Path, train: Mixture, *, copies: Path | None = None) -> None:
        self._path, self._train, self._copies = folder / FILE, train, copies

    def add(
        self, step: int, finding: Finding, action: GuardAction, passes: Sequence[Pass]
    ) -> tuple[tuple[str, ...], int]:
        """Write the batch down; return the places of its first rows, and how many it has."""
        numbers = suspects(passes)
        rows = name_rows(self._train, numbers[:MOST_ROWS])
        entry = {
            "step": step,
            "event": finding.event,
            "value": finding.value if math.isfinite(finding.value) else str(finding.value),
            "z": finding.z,
            "action": action,
            "rows_total": len(numbers),
            "rows": [asdict(row) for row in rows],
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        if self._copies is not None:  # At once: a run that is stopped here delivers nothing else.
            self._copies.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._path, self._copies / FILE)
        return tuple(row.place for row in rows), len(numbers)


def suspects(passes: Sequence[Pass]) -> list[int]:
    """Return the numbers of the rows, each once: of the pass with the worst loss first."""
    ranked = sorted(passes, key=lambda one: -one.loss if math.isfinite(one.loss) else -math.inf)
    return list(dict.fromkeys(number for one in ranked for number in one.rows))


def name_rows(train: Mixture, numbers: Sequence[int]) -> list[NamedRow]:
    """Return the rows with these numbers, in that order; the sources are read again up to them."""
    wanted, found, number = set(numbers), {}, 0
    for source in train.sources:
        for row in source:
            if number in wanted:
                found[number] = NamedRow(source.uri, row.line, row_json(row)[:EXCERPT_CHARACTERS])
            number += 1
            if len(found) == len(wanted):
                return [found[one] for one in numbers]
    return [found[one] for one in numbers if one in found]
