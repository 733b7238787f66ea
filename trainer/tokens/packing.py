"""Pack sequences into rows of a fixed number of tokens, and hand them out as tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from typing_extensions import override

from trainer.tokens.encode import Sequences

IGNORED = -100  # The label of a token that is no target, in torch's and transformers' losses.


class Bins(Sequence[Sequence[int]]):
    """Bin i holds the sequences `order[starts[i]:starts[i + 1]]`.

    Two arrays, because a list of lists of numbers would take several times the memory.
    """

    def __init__(self, order: NDArray[np.int64], starts: NDArray[np.int64]) -> None:
        self._order, self._starts = order, starts

    @override
    def __len__(self) -> int:
        return len(self._starts) - 1

    @override
    def __getitem__(self, place: Any) -> Any:
        if place >= len(self):  # ends an iteration
            raise IndexError(place)
        return self._order[self._starts[place] : self._starts[place + 1]].tolist()

    def first(self, count: int) -> "Bins":
        """Return the first bins, at most `count`."""
        starts = self._starts[: count + 1]
        return Bins(self._order[: starts[-1]], starts)


def pack(
    lengths: NDArray[np.int64],
    *,
    capacity: int,
    seed: int,
    times: NDArray[np.int64] | None = None,
) -> Bins:
    """Return the sequences' numbers in bins of at most `capacity` tokens.

    Each goes, in an order drawn from `seed`, to the bin where it leaves the least room: about 2 %
    of the slots stay empty, against 64 to 86 % with padding. Longest first would fill slightly
    better, but then a bin holds sequences of one length, and batches differ from each other.
    `times` says how often each is put in, by default once.
    """
    order = np.arange(len(lengths))
    if times is not None:
        order = np.repeat(order, times)
    order = np.random.default_rng(seed).permutation(order)
    bin_of = np.empty(len(order), dtype=np.int64)
    packing = _Packing(capacity)
    for start in range(0, len(order), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        bin_of[part] = [packing.place(size) for size in lengths[order[part]].tolist()]
    counts = np.bincount(bin_of, minlength=packing.bins)
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)])
    return Bins(order[np.argsort(bin_of, kind="stable")], starts)


_AT_ONCE = 65_536  # as Python numbers


class _Packing:
    """Best fit in constant time: bins by the room they have left, and a bit for each such room."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._with_room: list[list[int]] = [[] for _ in range(capacity + 1)]
        self._rooms = 0
        self.bins = 0

    def place(self, size: int) -> int:
        """Return the bin that a sequence of `size` tokens goes to."""
        fitting = self._rooms >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            chosen = self._with_room[room].pop()
            if not self._with_room[room]:
                self._rooms ^= 1 << room
        else:
            room, chosen = self._capacity, self.bins
            self.bins += 1
        room -= size
        if room:
            self._with_room[room].append(chosen)
            self._rooms |= 1 << room
        return chosen


class PackedBatches:
    """Collate bins: every sequence lies in one long row and attends to itself alone.

    The trainer's dataset holds bin numbers only; the tokens stay where they were encoded.
    """

    def __init__(self, sequences: Sequences, bins: Sequence[Sequence[int]]) -> None:
        self.sequences, self.bins = sequences, bins

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the batch of these bins; `rows` and `row_tokens` say what rows are in it.

        `Watched` takes both out again before the model sees the batch.
        """
        indices = np.asarray([i for example in examples for i in self.bins[example["bin"]]])
        starts = self.sequences.starts
        return {
            **self.batch(indices),
            "rows": self.sequences.rows[indices],
            "row_tokens": starts[indices + 1] - starts[indices],
        }

    def batch(self, indices: Sequence[int] | NDArray[np.int64]) -> dict[str, Any]:
        """Return the tensors of one forward pass over these sequences.

        B is 1: `input_ids`, `labels`, `position_ids` are [1, T]; `cu_seq_lens_*` [sequences + 1]
        hold where each begins. A label is the token itself; the loss shifts.
        """
        chosen = np.asarray(indices)
        begins = self.sequences.starts[chosen]
        lengths = self.sequences.starts[chosen + 1] - begins
        edges = np.concatenate([[0], np.cumsum(lengths)])
        # All at once: a slice for each of hundreds of short sequences took six times as long.
        positions = np.arange(edges[-1]) - np.repeat(edges[:-1], lengths)
        places = np.repeat(begins, lengths) + positions
        tokens, learned = self.sequences.tokens[places], self.sequences.learned[places]
        learned[edges[:-1]] = False
        edges_T = torch.from_numpy(edges.astype(np.int32))
        longest = int(lengths.max())
        return {
            "input_ids": torch.from_numpy(tokens.astype(np.int64))[None],
            "labels": torch.from_numpy(np.where(learned, tokens, IGNORED).astype(np.int64))[None],
            "position_ids": torch.from_numpy(positions)[None],
            "cu_seq_lens_q": edges_T,
            "cu_seq_lens_k": edges_T,
            "max_length_q": longest,
            "max_length_k": longest,
        }
