"""Turn gathered rows into packed batches, and work out how many steps the budget gives."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from trainer.context import Context
from trainer.contract.passes import micro_tokens
from trainer.contract.progress import DataLine
from trainer.contract.spec import RunSpec
from trainer.data.draw import repeated_rows, times_seen
from trainer.data.gather import Gathered
from trainer.tokens.cache import cache_key, fingerprint, kept_sequences, kept_tokenizer
from trainer.tokens.encode import Sequences, encode_chunks
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

    @property
    def tokens(self) -> int:
        """Return about how many tokens the run has."""
        return round(self.steps * self.data.tokens / self.steps_in_epoch)


def prepare(context: Context, gathered: Gathered, base: Path | None) -> Prepared:
    """Return batches and steps, and report the data line."""
    spec = context.spec
    tokenizer = tokenizer_of(context, gathered, base)
    sequences = _encoded(context, gathered, tokenizer, "train")
    held_out = _encoded(context, gathered, tokenizer, "held_out")
    times = times_seen(gathered.split.train, spec.optim.seed)[sequences.rows]
    micro, seed = micro_tokens(spec, context.ranks), spec.optim.seed
    train = PackedBatches(
        sequences, pack(sequences.lengths, capacity=micro, seed=seed, times=times)
    )
    judged = PackedBatches(held_out, pack(held_out.lengths, capacity=micro, seed=0))
    accumulate = max(1, spec.batch.tokens_per_step // (micro * context.ranks))
    steps_in_epoch = math.ceil(len(train.bins) / (accumulate * context.ranks))
    tokens = int(sequences.lengths @ times)
    line = context.progress.write(
        DataLine,
        sha256=gathered.sha256,
        rows=gathered.rows,
        rows_kept=_distinct(sequences.rows),
        rows_eval=_distinct(held_out.rows),
        tokens=tokens,
        trained_tokens=int(sequences.targets @ times),
        longest=int(sequences.lengths.max()),
        note=_note(spec, gathered, sequences, times),
    )
    steps = planned_steps(spec, tokens=tokens, steps_in_epoch=steps_in_epoch)
    return Prepared(line, tokenizer, train, judged, accumulate, steps, steps_in_epoch)


def planned_steps(spec: RunSpec, *, tokens: int, steps_in_epoch: int) -> int:
    """Return the number of optimizer steps from whichever end of training the budget sets.

    `tokens` are those of an epoch.
    """
    budget = spec.budget
    if budget.steps is not None:
        return budget.steps
    if budget.tokens is not None:
        return max(1, round(budget.tokens / (tokens / steps_in_epoch)))
    assert budget.epochs is not None
    return max(1, math.ceil(budget.epochs * steps_in_epoch))


def tokenizer_of(
    context: Context, gathered: Gathered, base: Path | None
) -> PreTrainedTokenizerBase:
    """Return the spec's tokenizer, the base model's, or one trained on the data."""
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
        cache_key("tokenizer", *rows_key(spec, gathered), size, longest),
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
        cache_key(part, *rows_key(spec, gathered), fingerprint(tokenizer)),
        spec.data,
        lambda tally: encode_chunks(rows, tokenizer, spec.data, tally),
    )


def rows_key(spec: RunSpec, gathered: Gathered) -> tuple[object, ...]:
    """Return all that decides which rows are in which part, and how they become tokens.

    What a source is called does not count, but for the ending that says its format; nor how often
    its rows are seen: another mixture of the same sources is encoded already.
    """
    body = spec.data.model_dump(mode="json")
    for source in (body["train"], *body["mix"], body["eval"] or {}):
        for name in ("sha256", "weight"):
            source.pop(name, None)
        uri = source.get("uri", "")
        source["uri"] = Path(uri).suffix or uri  # a folder's files say their format themselves
    return gathered.contents, spec.method, spec.eval.max_rows, spec.eval.tasks, json.dumps(body)


def _note(spec: RunSpec, gathered: Gathered, sequences: Sequences, times: NDArray[np.int64]) -> str:
    """Return in words what was left out, so that nothing is lost silently, and what is mixed."""
    cut = "cut" if spec.data.overlength == "truncate" else "dropped"
    parts = []
    if sequences.too_long:
        limit = spec.data.max_length
        parts.append(f"{sequences.too_long} rows longer than {limit} tokens {cut}")
    if sequences.nothing_learned:
        parts.append(f"{sequences.nothing_learned} rows without a token to learn dropped")
    if gathered.split.shared:
        parts.append(f"{gathered.split.shared} training rows dropped as equal to held-out ones")
    repeated = repeated_rows(gathered.split.train)
    if repeated:
        parts.append(f"{repeated} rows are equal to an earlier one")
    return "; ".join([*parts, *_of_each_source(gathered, sequences, times)])


def _of_each_source(
    gathered: Gathered, sequences: Sequences, times: NDArray[np.int64]
) -> Iterator[str]:
    """Yield what each of several sources has in an epoch."""
    sources = gathered.split.train.sources
    if len(sources) == 1:
        return
    ends = np.searchsorted(sequences.rows, np.cumsum([len(source) for source in sources]))
    tokens = sequences.lengths * times
    start = 0
    for source, end in zip(sources, ends.tolist(), strict=True):
        part = slice(start, end)
        rows = _distinct(sequences.rows[part][times[part] > 0])
        yield (
            f"{source.uri}: {rows} of {len(source)} rows, {int(tokens[part].sum())} tokens an "
            f"epoch (weight {source.weight:g})"
        )
        start = end


def _distinct(rows: NDArray[np.int64]) -> int:
    """Return how many rows there are: a document's sequences follow each other."""
    return int(np.count_nonzero(np.diff(rows)) + 1) if len(rows) else 0
