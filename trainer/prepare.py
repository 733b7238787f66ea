"""Turn gathered rows into packed batches, and work out how many steps the budget gives."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from transformers import PreTrainedTokenizerBase

from trainer.context import Context
from trainer.contract.estimate import micro_tokens
from trainer.contract.progress import DataLine
from trainer.contract.spec import RunSpec
from trainer.data.gather import Gathered
from trainer.tokens.cache import cache_key, fingerprint, kept_sequences, kept_tokenizer
from trainer.tokens.encode import Sequences, encode
from trainer.tokens.packing import PackedBatches, pack
from trainer.tokens.tokenizer import load_tokenizer, train_tokenizer


@dataclass(frozen=True)
class Prepared:
    """What the training loop needs to know of the data."""

    data: DataLine
    tokenizer: PreTrainedTokenizerBase
    train: PackedBatches
    held_out: PackedBatches
    accumulate: int  # forward passes in one optimizer step
    steps: int
    steps_in_epoch: int


def prepare(context: Context, gathered: Gathered, base: Path | None) -> Prepared:
    """Return batches and steps, and report the data line."""
    spec = context.spec
    tokenizer = _tokenizer(context, gathered, base)
    sequences = _encoded(context, gathered, tokenizer, "train")
    held_out = _encoded(context, gathered, tokenizer, "held_out")
    micro = micro_tokens(spec, context.ranks)
    train = PackedBatches(sequences, pack(sequences.lengths, capacity=micro, seed=spec.optim.seed))
    judged = PackedBatches(held_out, pack(held_out.lengths, capacity=micro, seed=0))
    accumulate = max(1, spec.batch.tokens_per_step // (micro * context.ranks))
    steps_in_epoch = math.ceil(len(train.bins) / (accumulate * context.ranks))
    tokens = len(sequences.tokens)
    line = context.progress.write(
        DataLine,
        sha256=gathered.sha256,
        rows=gathered.rows,
        rows_kept=len(sequences),
        rows_eval=len(held_out),
        tokens=tokens,
        trained_tokens=int(sequences.learned.sum()),
        longest=int(sequences.lengths.max()),
        note=_note(spec, gathered, sequences),
    )
    steps = planned_steps(spec, tokens=tokens, steps_in_epoch=steps_in_epoch)
    return Prepared(line, tokenizer, train, judged, accumulate, steps, steps_in_epoch)


def planned_steps(spec: RunSpec, *, tokens: int, steps_in_epoch: int) -> int:
    """Return the number of optimizer steps from whichever end of training the budget sets."""
    budget = spec.budget
    if budget.steps is not None:
        return budget.steps
    if budget.tokens is not None:
        return max(1, round(budget.tokens / (tokens / steps_in_epoch)))
    assert budget.epochs is not None
    return max(1, math.ceil(budget.epochs * steps_in_epoch))


def _tokenizer(context: Context, gathered: Gathered, base: Path | None) -> PreTrainedTokenizerBase:
    spec = context.spec
    if spec.model.tokenizer is not None:
        return load_tokenizer(context.workdir / spec.model.tokenizer)
    if base is not None:
        return load_tokenizer(base)
    assert spec.model.config is not None
    size, longest = spec.model.config.vocab_size, spec.data.max_length
    rows = gathered.split.train
    return kept_tokenizer(
        context.cache,
        cache_key("tokenizer", *_rows_key(spec, gathered), size, longest),
        lambda: train_tokenizer(rows, vocab_size=size, max_length=longest),
    )


def _encoded(
    context: Context,
    gathered: Gathered,
    tokenizer: PreTrainedTokenizerBase,
    part: Literal["train", "held_out"],
) -> Sequences:
    spec = context.spec
    rows = gathered.split.train if part == "train" else gathered.split.held_out
    return kept_sequences(
        context.cache,
        cache_key(part, *_rows_key(spec, gathered), fingerprint(tokenizer)),
        lambda: encode(rows, tokenizer, spec.data),
    )


def _rows_key(spec: RunSpec, gathered: Gathered) -> tuple[object, ...]:
    """Return all that decides which rows are in which part, and how they become tokens."""
    return gathered.identity, spec.method, spec.eval.max_rows, spec.data.model_dump_json()


def _note(spec: RunSpec, gathered: Gathered, sequences: Sequences) -> str:
    """Return in words what was left out, so that nothing is lost silently."""
    cut = "cut" if spec.data.overlength == "truncate" else "dropped"
    parts = []
    if sequences.too_long:
        limit = spec.data.max_length
        parts.append(f"{sequences.too_long} rows longer than {limit} tokens {cut}")
    if sequences.nothing_learned:
        parts.append(f"{sequences.nothing_learned} rows without a token to learn dropped")
    if gathered.split.shared:
        parts.append(f"{gathered.split.shared} training rows dropped as equal to held-out ones")
    return "; ".join(parts)
