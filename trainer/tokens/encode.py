"""Turn rows into token ids with a mask of what to learn, and report what did not fit."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from trainer.contract.spec import Data
from trainer.data.rows import Conversation, Document, Row
from trainer.errors import BadDataError, BadSpecError
from trainer.tokens.spans import Span, render
from trainer.tokens.tokenizer import end_of_text

Tokens = NDArray[np.int32]
Mask = NDArray[np.bool_]

# Rows rendered and encoded at once: bounds the memory that texts and offsets take.
CHUNK_ROWS = 4096


@dataclass(frozen=True)
class Sequences:
    """Token sequences end to end; sequence i is `tokens[starts[i]:starts[i + 1]]`.

    `learned` is true where the token is a target of the loss. `too_long` counts rows that were
    dropped or cut, `nothing_learned` those dropped because no token of theirs would be learned.
    """

    tokens: Tokens
    learned: Mask
    starts: NDArray[np.int64]
    too_long: int = 0
    nothing_learned: int = 0

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Return the length of each sequence, in tokens."""
        return np.diff(self.starts)

    def __len__(self) -> int:
        return len(self.starts) - 1


def encode(rows: Sequence[Row], tokenizer: PreTrainedTokenizerBase, data: Data) -> Sequences:
    """Return the rows as sequences of at most `data.max_length` tokens.

    Documents are cut into windows that follow each other. Conversations stay whole:
    `data.overlength` says what happens to one that is too long. A sequence from which nothing is
    learned is left out and counted. Raises `BadDataError` if none is left.
    """
    collected = _Collected(data)
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        talks = [row for row in chunk if isinstance(row, Conversation)]
        texts = [row for row in chunk if isinstance(row, Document)]
        if talks:
            _encode_talks(talks, tokenizer, collected)
        if texts:
            _encode_documents(texts, tokenizer, collected)
    return collected.sequences()


def _encode_talks(
    talks: Sequence[Conversation], tokenizer: PreTrainedTokenizerBase, collected: "_Collected"
) -> None:
    texts, spans = render(talks, tokenizer)
    ends = _end_tokens(tokenizer)
    encodings = tokenizer.backend_tokenizer.encode_batch(texts, add_special_tokens=False)
    for talk, encoding, row_spans in zip(talks, encodings, spans, strict=True):
        tokens = np.asarray(encoding.ids, dtype=np.int32)
        _refuse_double_start(tokens, tokenizer)
        offsets = np.asarray(encoding.offsets, dtype=np.int64).reshape(-1, 2)
        answers = _inside(offsets, row_spans)
        _refuse_endless(tokens, answers, ends)
        learned = answers if collected.data.loss_on == "answers" else np.ones_like(answers)
        collected.add_talk(tokens, learned, talk.line)


def _encode_documents(
    texts: Sequence[Document], tokenizer: PreTrainedTokenizerBase, collected: "_Collected"
) -> None:
    end = end_of_text(tokenizer)
    size = collected.data.max_length
    encodings = tokenizer.backend_tokenizer.encode_batch(
        [row.text for row in texts], add_special_tokens=False
    )
    for encoding in encodings:
        tokens = np.asarray([*encoding.ids, end], dtype=np.int32)
        for start in range(0, len(tokens), size):
            window = tokens[start : start + size]
            collected.add(window, np.ones(len(window), dtype=np.bool_))


class _Collected:
    """Sequences so far."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self._tokens: list[Tokens] = []
        self._learned: list[Mask] = []
        self._too_long = 0
        self._nothing_learned = 0

    def add_talk(self, tokens: Tokens, learned: Mask, line: int) -> None:
        size = self.data.max_length
        if len(tokens) > size:
            self._too_long += 1
            if self.data.overlength == "error":
                raise BadDataError(
                    f"The row of line {line} has {len(tokens)} tokens; data.max_length is {size}.",
                    remedy="Raise data.max_length, or set data.overlength to drop or truncate.",
                )
            if self.data.overlength == "drop":
                return
            tokens, learned = tokens[:size], learned[:size]
        self.add(tokens, learned)

    def add(self, tokens: Tokens, learned: Mask) -> None:
        # The first token has nothing before it, so it cannot be predicted.
        if not learned[1:].any():
            self._nothing_learned += 1
            return
        self._tokens.append(tokens)
        self._learned.append(learned)

    def sequences(self) -> Sequences:
        if not self._tokens:
            raise BadDataError(
                "No row is left to train on: "
                f"{self._too_long} are longer than data.max_length {self.data.max_length} tokens, "
                f"in {self._nothing_learned} there is nothing to learn.",
                remedy="Raise data.max_length, or set data.overlength to truncate.",
            )
        lengths = np.fromiter((len(t) for t in self._tokens), dtype=np.int64)
        return Sequences(
            np.concatenate(self._tokens),
            np.concatenate(self._learned),
            np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)]),
            self._too_long,
            self._nothing_learned,
        )


def _inside(offsets: NDArray[np.int64], spans: Sequence[Span]) -> Mask:
    """Return which tokens begin inside one of the character spans."""
    mask = np.zeros(len(offsets), dtype=np.bool_)
    for start, end in spans:
        mask |= (offsets[:, 0] >= start) & (offsets[:, 0] < end)
    return mask


def _end_tokens(tokenizer: PreTrainedTokenizerBase) -> NDArray[np.int32]:
    names = {tokenizer.eos_token, "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "</s>"}
    vocabulary = tokenizer.get_vocab()
    return np.asarray([vocabulary[name] for name in names if name in vocabulary], dtype=np.int32)


def _refuse_double_start(tokens: Tokens, tokenizer: PreTrainedTokenizerBase) -> None:
    start = tokenizer.bos_token_id
    if start is not None and len(tokens) > 1 and tokens[0] == tokens[1] == start:
        raise BadSpecError(
            f"The chat template and the data both write {tokenizer.bos_token}: a row begins with "
            "two, which no model was trained on.",
            remedy="Remove it from the data or from the chat template.",
        )


def _refuse_endless(tokens: Tokens, answers: Mask, ends: NDArray[np.int32]) -> None:
    """Refuse answers whose last token is not an end of turn: the model would never stop."""
    last = np.flatnonzero(answers & ~np.append(answers[1:], np.False_))
    if not np.isin(tokens[last], ends).all():
        raise BadSpecError(
            "The chat template leaves the end of the turn out of what is learned, so the model "
            "would not learn to stop.",
            remedy="Put the end-of-turn token inside the template's {% generation %} marks.",
        )
