"""Hold rows out for judging: chosen by their own hash, so equal rows never part.

Of each row that was read an eight-byte hash stays, and of those that may be held out the row
itself: what is held in memory does not grow with the size of the rows.
"""

import heapq
from array import array
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from trainer.data.rows import Row, row_hash

# Bits of the sha256 that rows are compared by. Two different rows among a thousand million look
# equal with a chance of 3 %, and then one of them is not learned.
BITS = 64


@dataclass
class Seen:
    """What remains of rows read one after another: each one's hash, and the smallest rows.

    `most` is how many distinct rows may be held out: those of the smallest hashes.
    """

    most: int
    hashes: "array[int]" = field(default_factory=lambda: array("Q"))
    _smallest: dict[int, Row] = field(default_factory=dict)
    _heap: list[int] = field(default_factory=list)  # of negated hashes: the largest comes first

    def watch(self, rows: Iterable[Row]) -> Iterator[Row]:
        """Pass the rows on, taking note of each."""
        for row in rows:
            self.add(row)
            yield row

    def add(self, row: Row) -> None:
        """Take note of one row."""
        key = short_hash(row)
        self.hashes.append(key)
        if key in self._smallest:
            return
        # One more than may be held out: it tells whether anything would be left to learn.
        if len(self._heap) <= self.most:
            heapq.heappush(self._heap, -key)
        elif key < -self._heap[0]:
            del self._smallest[-heapq.heapreplace(self._heap, -key)]
        else:
            return
        self._smallest[key] = row

    def smallest(self, number: int) -> dict[int, Row]:
        """Return up to `number` distinct rows by hash, the smallest first."""
        return {key: self._smallest[key] for key in sorted(self._smallest)[:number]}

    def below(self, fraction: float, limit: int) -> dict[int, Row]:
        """Return about `fraction` of the distinct rows, at most `limit` and at least one.

        The choice hangs on each row's text alone: it does not change when rows are added or
        moved. One distinct row always stays; of a single one nothing is returned.
        """
        bound = int(fraction * 2**BITS)
        wanted = sum(key < bound for key in self._smallest)
        return self.smallest(min(max(1, min(wanted, limit)), len(self._smallest) - 1))


def short_hash(row: Row) -> int:
    """Return the first `BITS` of the row's hash as a number."""
    return int(row_hash(row)[: BITS // 4], 16)


def left(hashes: "array[int]", apart: AbstractSet[int]) -> bytearray:
    """Return for each row 1 if it may be learned, 0 if it is equal to one that is kept apart."""
    return bytearray(key not in apart for key in hashes)
