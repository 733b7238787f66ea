"""Turn rows into token ids with a mask of what to learn, and report what did not fit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from trainer.contract.data import Data
from trainer.data.rows import Conversation, Document, Row, place
from trainer.errors import BadDataError, BadSpecError
from trainer.tokens.spans import Span, render
from trainer.tokens.tokenizer import end_of_text

Tokens = NDArray[np.int32]
Mask = NDArray[np.bool_]
Places = NDArray[np.int64]
AnyRow = TypeVar("AnyRow", bound=Row)
Numbered = tuple[int, AnyRow]

# Rows rendered and encoded at once: enough to keep all cores busy, and few enough that texts,
# offsets and what the tokenizer says of each token (150 bytes) stay below a hundred megabytes.
CHUNK_ROWS, CHUNK_CHARACTERS = 4096, 1_000_000


@dataclass(frozen=True)
class Sequences:
    """Token sequences end to end; sequence i is `tokens[starts[i]:starts[i + 1]]`.

    `learned` is true where the token is a target of the loss. Of each sequence, `rows` is the
    number of the row that it is of (it never falls), and `targets` how many of its tokens are
    learned.
    `too_long` counts rows that were dropped or cut, `nothing_learned` those dropped because no
    token of theirs would be learned. The arrays may lie on disk, and are not to be written to.
    """

    tokens: Tokens
    learned: Mask
    starts: Places
    rows: Places = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    targets: Places = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    too_long: int = 0
    nothing_learned: int = 0

    @property
    def lengths(self) -> Places:
        """Return the length of each sequence, in tokens."""
        return np.diff(self.starts)

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True)
class Chunk:
    """Some sequences, as `Sequences` has them; `lengths` in tokens."""

    tokens: Tokens
    learned: Mask
    lengths: Places
    rows: Places
    targets: Places


@dataclass
class Tally:
    """What was left out so far, in rows."""

    too_long: int = 0
    nothing_learned: int = 0

    def nothing_left(self, data: Data) -> BadDataError:
        """Return the error that no row is left."""
        return BadDataError(
            "No row is left to train on: "
            f"{self.too_long} are longer than data.max_length {data.max_length} tokens, "
            f"in {self.nothing_learned} there is nothing to learn.",
            remedy="Raise data.max_length, or set data.overlength to truncate.",
        )


def encode(rows: Iterable[Row], tokenizer: PreTrainedTokenizerBase, data: Data) -> Sequences:
    """Return the rows as sequences of at most `data.max_length` tokens, held in memory.

    Documents are cut into windows that follow each other. Conversations stay whole:
    `data.overlength` says what happens to one that is too long. A sequence from which nothing is
    learned is left out and counted. Raises `BadDataError` if none is left.
    """
    tally = Tally()
    chunks = list(encode_chunks(rows, tokenizer, data, tally))
    if not chunks:
        raise tally.nothing_left(data)
    lengths = np.concatenate([chunk.lengths for chunk in chunks])
    return Sequences(
        np.concatenate([chunk.tokens for chunk in chunks]),
        np.concatenate([chunk.learned for chunk in chunks]),
        np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)]),
        np.concatenate([chunk.rows for chunk in chunks]),
        np.concatenate([chunk.targets for chunk in chunks]),
        tally.too_long,
        tally.nothing_learned,
    )


def encode_chunks(
    rows: Iterable[Row], tokenizer: PreTrainedTokenizerBase, data: Data, tally: Tally
) -> Iterator[Chunk]:
    """Yield what `encode` returns piece by piece, none of them empty; count in `tally`."""
    for batch in _batches(rows):
        collected = _Collected(data, tally)
        talks = [(number, row) for number, row in batch if isinstance(row, Conversation)]
        texts = [(number, row) for number, row in batch if isinstance(row, Document)]
        if talks:
            _encode_talks(talks, tokenizer, collected)
        if texts:
            _encode_documents(texts, tokenizer, collected)
        if collected.lengths:
            yield collected.chunk()


def _batches(rows: Iterable[Row]) -> Iterator[list[Numbered[Row]]]:
    """Yield the rows with their numbers: as many of one kind as are encoded at once."""
    batch: list[Numbered[Row]] = []
    size = 0
    for number, row in enumerate(rows):
        is_full = len(batch) >= CHUNK_ROWS or size >= CHUNK_CHARACTERS
        if batch and (is_full or type(batch[-1][1]) is not type(row)):
            yield batch
            batch, size = [], 0
        batch.append((number, row))
        size += _characters(row)
    if batch:
        yield batch


def _characters(row: Row) -> int:
    if isinstance(row, Conversation):
        return sum(len(message.content) for message in row.messages)
    return len(row.text) if isinstance(row, Document) else 0


def _encode_talks(
    talks: Sequence[Numbered[Conversation]],
    tokenizer: PreTrainedTokenizerBase,
    collected: "_Collected",
) -> None:
    whole = collected.data.loss_on == "all"
    texts, spans = render([talk for _, talk in talks], tokenizer, whole=whole)
    marks = _Marks.of(tokenizer)
    encodings = tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
    for (number, talk), encoding, row_spans in zip(talks, encodings, spans, strict=True):
        tokens = np.asarray(encoding.ids, dtype=np.int32)
        marks.refuse_double_start(tokens)
        offsets = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        answers = _inside(offsets, row_spans)
        if not whole:
            marks.refuse_endless(tokens, answers)
        learned = np.ones_like(answers) if whole else answers
        collected.add_talk(tokens, learned, number, talk)


def _encode_documents(
    texts: Sequence[Numbered[Document]], tokenizer: PreTrainedTokenizerBase, collected: "_Collected"
) -> None:
    end = end_of_text(tokenizer)
    size = collected.data.max_length
    encodings = tokenizer.backend_tokenizer.encode_batch_fast(  # without offsets
        [row.text for _, row in texts], add_special_tokens=False
    )
    for (number, _), encoding in zip(texts, encodings, strict=True):
        tokens = np.asarray([*encoding.ids, end], dtype=np.int32)
        for start in range(0, len(tokens), size):
            window = tokens[start : start + size]
            collected.add(window, np.ones(len(window), dtype=np.bool_), number)


class _Collected:
    """Sequences of one chunk so far."""

    def __init__(self, data: Data, tally: Tally) -> None:
        self.data, self._tally = data, tally
        self._tokens: list[Tokens] = []
        self._learned: list[Mask] = []
        self.lengths: list[int] = []
        self._rows: list[int] = []
        self._targets: list[int] = []

    def add_talk(self, tokens: Tokens, learned: Mask, number: int, talk: Conversation) -> None:
        size = self.data.max_length
        if len(tokens) > size:
            self._tally.too_long += 1
            if self.data.overlength == "error":
                raise BadDataError(
                    f"The row of {place(talk)} has {len(tokens)} tokens; data.max_length is "
                    f"{size}.",
                    remedy="Raise data.max_length, or set data.overlength to drop or truncate.",
                )
            if self.data.overlength == "drop":
                return
            tokens, learned = tokens[:size], learned[:size]
        self.add(tokens, learned, number)

    def add(self, tokens: Tokens, learned: Mask, number: int) -> None:
        # The first token has nothing before it, so it cannot be predicted.
        targets = int(np.count_nonzero(learned[1:]))
        if not targets:
            self._tally.nothing_learned += 1
            return
        self._tokens.append(tokens)
        self._learned.append(learned)
        self.lengths.append(len(tokens))
        self._rows.append(number)
        self._targets.append(targets)

    def chunk(self) -> Chunk:
        return Chunk(
            np.concatenate(self._tokens),
            np.concatenate(self._learned),
            np.asarray(self.lengths, dtype=np.int64),
            np.asarray(self._rows, dtype=np.int64),
            np.asarray(self._targets, dtype=np.int64),
        )


def _inside(offsets: NDArray[np.int64], spans: Sequence[Span]) -> Mask:
    """Return which tokens begin inside one of the character spans."""
    mask = np.zeros(len(offsets), dtype=np.bool_)
    for start, end in spans:
        mask |= (offsets[:, 0] >= start) & (offsets[:, 0] < end)
    return mask


@dataclass(frozen=True)
class _Marks:
    """The tokens that begin a row and end a turn, and what a template must not do with them."""

    start: int | None
    start_text: str
    ends: frozenset[int]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> "_Marks":
        names = {tokenizer.eos_token, "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "</s>"}
        vocabulary = tokenizer.get_vocab()
        ends = frozenset(vocabulary[name] for name in names if name in vocabulary)
        return cls(tokenizer.bos_token_id, str(tokenizer.bos_token), ends)

    def refuse_double_start(self, tokens: Tokens) -> None:
        if self.start is not None and tokens[:2].tolist() == [self.start, self.start]:
            raise BadSpecError(
                f"The chat template and the data both write {self.start_text}: a row begins with "
                "two, which no model was trained on.",
                remedy="Remove it from the data or from the chat template.",
            )

    def refuse_endless(self, tokens: Tokens, answers: Mask) -> None:
        """Refuse answers whose last token is not an end of turn: the model would never stop."""
        last = tokens[:-1][answers[:-1] > answers[1:]].tolist()
        if answers[-1:].any():
            last.append(int(tokens[-1]))
        if not self.ends.issuperset(last):
            raise BadSpecError(
                "The chat template leaves the end of the turn out of what is learned, so the model "
                "would not learn to stop.",
                remedy="Put the end-of-turn token inside the template's {% generation %} marks.",
            )
