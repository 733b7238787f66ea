"""Draw an epoch from a mixture: how often each of its rows is seen; apart, as it needs numpy."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from trainer.data.mixture import Mixture
from trainer.data.rows import Row


def times_seen(train: Mixture, seed: int) -> NDArray[np.int64]:
    """Return how often an epoch has each of the mixture's rows, in their order.

    A weight's whole part goes to every row of the source, and what remains to that share of its
    rows, drawn by `seed` and the source's place: a source's draw does not change with another's
    weight.
    """
    return np.concatenate(
        [
            _times(len(source), source.weight, np.random.default_rng((seed, place)))
            for place, source in enumerate(train.sources)
        ]
    )


def drawn_rows(train: Mixture, seed: int) -> Iterator[Row]:
    """Yield the rows of one epoch, those that are seen several times one after another.

    For methods whose library takes rows; it is to shuffle them.
    """
    for row, times in zip(train, times_seen(train, seed).tolist(), strict=True):
        for _ in range(times):
            yield row


def repeated_rows(train: Mixture) -> int:
    """Return how many rows to learn are equal to an earlier one, of their source or another."""
    hashes = np.concatenate(
        [
            np.frombuffer(source.hashes, dtype=np.uint64)[np.frombuffer(source.left, np.bool_)]
            for source in train.sources
        ]
    )
    return len(hashes) - len(np.unique(hashes))


def _times(rows: int, weight: float, chance: np.random.Generator) -> NDArray[np.int64]:
    whole = int(weight)
    times = np.full(rows, whole, dtype=np.int64)
    times[chance.permutation(rows)[: round((weight - whole) * rows)]] += 1
    return times
