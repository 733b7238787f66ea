"""Encode answers that are compared with each other: what comes before them, and themselves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerBase

from trainer.contract.data import Data
from trainer.data.rows import Conversation, Labelled, Messages, Pair, Row, place
from trainer.errors import BadDataError
from trainer.tokens.encode import Chunk, Mask, Places, Sequences, Tally, encode_chunks

# What a spec may say at most: nothing is cut while encoding, since both answers of a pair stay or
# go together.
UNCUT = 131_072


@dataclass(frozen=True)
class Answers:
    """Encoded answers: `tokens[begins[i]:ends[i]]` is that of sequence i, before it the prompt.

    `sizes` are its tokens from the beginning to the answer's end, before a cut at the limit
    that `ends` respects. `is_good` says of judged answers what people said.
    """

    sequences: Sequences
    begins: Places
    ends: Places
    sizes: Places
    is_good: Mask

    @classmethod
    def of(cls, sequences: Sequences, is_good: Mask, *, limit: int) -> "Answers":
        """Return the answers, none reaching beyond `limit` tokens from its sequence's start."""
        learned = np.flatnonzero(sequences.learned)
        starts = sequences.starts
        begins = learned[np.searchsorted(learned, starts[:-1])]
        ends = learned[np.searchsorted(learned, starts[1:]) - 1] + 1
        cut = np.minimum(ends, starts[:-1] + limit)
        return cls(sequences, begins, cut, ends - starts[:-1], is_good)

    def prompt(self, index: int) -> list[int]:
        """Return the tokens before the answer."""
        start = self.sequences.starts[index]
        return self.sequences.tokens[start : self.begins[index]].tolist()  # type: ignore[no-any-return]

    def answer(self, index: int) -> list[int]:
        """Return the answer's tokens."""
        return self.sequences.tokens[self.begins[index] : self.ends[index]].tolist()  # type: ignore[no-any-return]

    @property
    def lengths(self) -> Places:
        """Return how many tokens the model sees of each."""
        lengths: Places = self.ends - self.sequences.starts[:-1]
        return lengths

    @property
    def has_answer(self) -> Mask:
        """Return of which something is left within the limit."""
        has: Mask = self.ends > self.begins
        return has


def encode_answers(
    rows: Iterable[Row], tokenizer: PreTrainedTokenizerBase, data: Data
) -> Iterator[Chunk]:
    """Yield the rows as sequences, uncut: both answers of a pair one after the other, or the one.

    Learned are the tokens of the answer, with all its turns, and none of the assistant's before.
    Raises `BadDataError` for one that is too long where `data.overlength` is `error`.
    """
    whole = data.model_copy(
        update={"overlength": "truncate", "max_length": UNCUT, "loss_on": "answers"}
    )
    talks = _Talks(rows)
    for chunk in encode_chunks(talks, tokenizer, whole, Tally()):
        yield _answers_only(chunk, talks, data)


class _Talks:
    """Rows as conversations; of each it is kept how many answers come before the one compared."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.before: dict[int, tuple[int, Row]] = {}

    def __iter__(self) -> Iterator[Conversation]:
        number = 0
        for row in self._rows:
            assert isinstance(row, Pair | Labelled)
            earlier = sum(message.role == "assistant" for message in row.prompt)
            for answer in _answers(row):
                self.before[number] = earlier, row
                number += 1
                yield Conversation(row.prompt + answer, row.line, row.tools, row.where)


def _answers(row: Pair | Labelled) -> tuple[Messages, ...]:
    return (row.chosen, row.rejected) if isinstance(row, Pair) else (row.completion,)


def _answers_only(chunk: Chunk, talks: _Talks, data: Data) -> Chunk:
    learned, targets, start = chunk.learned.copy(), [], 0
    for number, length in zip(chunk.rows.tolist(), chunk.lengths.tolist(), strict=True):
        earlier, row = talks.before.pop(number)
        of_one = learned[start : start + length]
        begins = np.flatnonzero(of_one[1:] > of_one[:-1]) + 1  # of each answer in the talk
        of_one[: begins[earlier]] = False
        places = np.flatnonzero(of_one)
        if data.overlength == "error" and places[-1] >= data.max_length:
            raise BadDataError(
                f"The row of {place(row)} has {places[-1] + 1} tokens; data.max_length is "
                f"{data.max_length}.",
                remedy="Raise data.max_length, or set data.overlength to drop or truncate.",
            )
        targets.append(len(places))
        start += length
    return Chunk(
        chunk.tokens, learned, chunk.lengths, chunk.rows, np.asarray(targets, dtype=np.int64)
    )
