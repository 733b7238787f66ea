"""Hand sequences out as rows of equal length, where they cannot be packed."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from trainer.tokens.packing import IGNORED, Bins, PackedBatches


class PaddedBatches(PackedBatches):
    """The same bins of sequences, one to a row; the filling is masked and carries no loss.

    Bins hold sequences of any length, so that most of a row may be filling: see
    `trainer.contract.architectures` for who must pay that.
    """

    @override
    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> dict[str, Any]:
        """Return `input_ids`, `labels`, `position_ids` and `attention_mask`, each [B, T].

        What fills a row is token 0, which nothing looks at.
        """
        starts = self.sequences.starts
        spans = [slice(int(starts[i]), int(starts[i + 1])) for i in indices]
        shape = len(spans), max(span.stop - span.start for span in spans)
        tokens_BT = np.zeros(shape, dtype=np.int64)
        labels_BT = np.full(shape, IGNORED, dtype=np.int64)
        mask_BT = np.zeros(shape, dtype=np.int64)
        for row, span in enumerate(spans):
            size = span.stop - span.start
            tokens, learned = self.sequences.tokens[span], self.sequences.learned[span].copy()
            learned[0] = False
            tokens_BT[row, :size], mask_BT[row, :size] = tokens, 1
            labels_BT[row, :size] = np.where(learned, tokens, IGNORED)
        positions_BT = np.broadcast_to(np.arange(shape[1]), shape).copy()
        return {
            "input_ids": torch.from_numpy(tokens_BT),
            "labels": torch.from_numpy(labels_BT),
            "position_ids": torch.from_numpy(positions_BT),
            "attention_mask": torch.from_numpy(mask_BT),
        }


# Rows that are sorted by length together: enough for bins of nearly equal rows, and few enough
# that the order of training stays a matter of chance.
WINDOW = 2048


def even_bins(
    lengths: NDArray[np.int64],
    *,
    capacity: int,
    seed: int,
    times: NDArray[np.int64] | None = None,
    least: int = 1,
) -> Bins:
    """Return the rows' numbers in bins that take at most `capacity` tokens when padded.

    A bin holds rows of about one length, so that little is filling; the bins come in an order drawn
    from `seed`. `times` says how often each row is put in, by default once; `least` how many rows a
    bin has at least, whatever they take.
    """
    chance = np.random.default_rng(seed)
    order = np.arange(len(lengths)) if times is None else np.repeat(np.arange(len(times)), times)
    order = chance.permutation(order)
    bins: list[list[int]] = []
    for start in range(0, len(order), WINDOW):
        window = order[start : start + WINDOW]
        rising = window[np.argsort(lengths[window], kind="stable")]
        bins += _evenly(rising, lengths, capacity, least)
        if len(bins) > 1 and len(bins[-1]) < least:
            too_few = bins.pop()
            bins[-1] += too_few
    shuffled = [bins[at] for at in chance.permutation(len(bins))]
    starts = np.concatenate([[0], np.cumsum([len(one) for one in shuffled])]).astype(np.int64)
    return Bins(np.asarray(list(chain.from_iterable(shuffled)), dtype=np.int64), starts)


def _evenly(
    order: NDArray[np.int64], lengths: NDArray[np.int64], capacity: int, least: int
) -> Iterator[list[int]]:
    """Yield stretches of `order`, which rises in length: the last row says how wide all are."""
    found: list[int] = []
    for row in order.tolist():
        if len(found) >= least and (len(found) + 1) * int(lengths[row]) > capacity:
            yield found
            found = []
        found.append(row)
    if found:
        yield found
