"""Several sources of training rows: which rows of each are learned, and how often."""

from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

from trainer.data.read import RowReader
from trainer.data.rows import Row


@dataclass(frozen=True)
class TrainingSource:
    """One source, checked. `left` has a 1 for each of its rows that is learned, else a 0."""

    reader: RowReader
    weight: float
    hashes: "array[int]"
    left: bytearray

    @property
    def uri(self) -> str:
        """Return what the spec calls it."""
        return self.reader.source.uri

    def __len__(self) -> int:
        """Return how many rows are learned, each counted once."""
        return self.left.count(1)

    def __iter__(self) -> Iterator[Row]:
        """Read the source again, and yield the rows to learn, each once.

        Raises `BadDataError` if it is not what it was.
        """
        rows = iter(self.reader)
        yield from compress(rows, self.left)
        deque(rows, maxlen=0)  # To the end, where the reader compares: it may have grown.


@dataclass(frozen=True)
class Mixture:
    """The rows to learn, of one source after another; read anew each time they are asked for."""

    sources: Sequence[TrainingSource]

    def __len__(self) -> int:
        return sum(map(len, self.sources))

    def __iter__(self) -> Iterator[Row]:
        for source in self.sources:
            yield from source
