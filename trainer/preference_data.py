"""Turn judged answers into even batches, and work out how many steps the budget gives."""

import math
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerBase

from trainer.contract.passes import micro_tokens
from trainer.contract.preference import SEQUENCES_PER_ROW
from trainer.contract.progress import DataLine
from trainer.contract.spec import RunSpec
from trainer.data.draw import repeated_rows, times_seen
from trainer.data.rows import Labelled
from trainer.errors import BadDataError
from trainer.loop import Ingredients
from trainer.prepare import planned_steps, rows_key, tokenizer_of
from trainer.tokens.answers import Answers, encode_answers
from trainer.tokens.cache import cache_key, fingerprint, kept_sequences
from trainer.tokens.packing import Bins
from trainer.tokens.padding import even_bins


@dataclass(frozen=True)
class Prepared:
    """What the training loop needs to know of the data; bins hold the numbers of rows."""

    data: DataLine
    tokenizer: PreTrainedTokenizerBase
    train: Answers
    bins: Bins
    held_out: Answers
    held_out_bins: Bins
    accumulate: int  # forward passes in one optimizer step
    steps: int
    steps_in_epoch: int


def prepare(ingredients: Ingredients, *, answers: int, least: int, bins_per_pass: int) -> Prepared:
    """Return bins and steps, and report the data line; `answers` are the sequences of a row."""
    context, gathered = ingredients.context, ingredients.gathered
    spec = context.spec
    tokenizer = tokenizer_of(context, gathered, ingredients.base)
    train = _encoded(ingredients, tokenizer, "train", answers)
    held_out = _encoded(ingredients, tokenizer, "held_out", answers)
    kept, judged = _kept(spec, train, answers), _kept(spec, held_out, answers).astype(np.int64)
    times = times_seen(gathered.split.train, spec.optim.seed) * kept
    micro = micro_tokens(spec, context.ranks)
    accumulate = max(1, spec.batch.tokens_per_step // (micro * context.ranks))
    bins_per_step = accumulate * bins_per_pass * context.ranks
    in_bins = partial(even_bins, capacity=micro // (SEQUENCES_PER_ROW * bins_per_pass), least=least)
    bins = in_bins(_longest(train, answers), seed=spec.optim.seed, times=times)
    judged_bins = in_bins(_longest(held_out, answers), seed=0, times=judged)
    line = context.progress.write(
        DataLine,
        sha256=gathered.sha256,
        rows=gathered.rows,
        rows_kept=int(np.count_nonzero(times)),
        rows_eval=int(judged.sum()),
        **_tokens(train, times, answers),
        note=_note(ingredients, train, kept, answers),
    )
    in_epoch = math.ceil(len(bins) / bins_per_step)
    steps = planned_steps(spec, tokens=line.tokens, steps_in_epoch=in_epoch)
    # The base model is asked about those that training can reach.
    bins = bins.first(steps * bins_per_step)
    ready = train, bins, held_out, judged_bins
    return Prepared(line, tokenizer, *ready, accumulate, steps, in_epoch)


def _longest(found: Answers, answers: int) -> NDArray[np.int64]:
    """Return the tokens of each row's longest sequence."""
    longest: NDArray[np.int64] = found.lengths.reshape(-1, answers).max(axis=1)
    return longest


def _tokens(train: Answers, times: NDArray[np.int64], answers: int) -> dict[str, int]:
    """Return what an epoch has, by the names of `DataLine`."""
    of_row = train.lengths.reshape(-1, answers).sum(axis=1)
    learned_of_row = (train.ends - train.begins).reshape(-1, answers).sum(axis=1)
    return {
        "tokens": int(of_row @ times),
        "trained_tokens": int(learned_of_row @ times),
        "longest": int(_longest(train, answers)[times > 0].max()),
    }


def _encoded(
    ingredients: Ingredients,
    tokenizer: PreTrainedTokenizerBase,
    part: Literal["train", "held_out"],
    answers: int,
) -> Answers:
    context, gathered = ingredients.context, ingredients.gathered
    data = context.spec.data
    rows = gathered.split.train if part == "train" else gathered.split.held_out
    sequences = kept_sequences(
        context.cache,
        cache_key(part, *rows_key(context.spec, gathered), fingerprint(tokenizer)),
        data,
        lambda _: encode_answers(rows, tokenizer, data),
    )
    verdicts = (row.is_good for row in rows if isinstance(row, Labelled))
    is_good = np.fromiter(verdicts if answers == 1 else (), dtype=np.bool_)
    return Answers.of(sequences, is_good, limit=data.max_length)


def _kept(spec: RunSpec, found: Answers, answers: int) -> NDArray[np.bool_]:
    """Return which rows are left: all of one's answers fit, or something of each does."""
    data = spec.data
    fits = found.sizes <= data.max_length if data.overlength == "drop" else found.has_answer
    kept: NDArray[np.bool_] = np.logical_and.reduce(fits.reshape(-1, answers), axis=1)
    if not kept.any():
        raise BadDataError(
            f"No row is left to train on: all {len(kept)} are longer than data.max_length "
            f"{data.max_length} tokens.",
            remedy="Raise data.max_length, or set data.overlength to truncate.",
        )
    return kept


def _note(ingredients: Ingredients, train: Answers, kept: NDArray[np.bool_], answers: int) -> str:
    """Return in words what was left out, so that nothing is lost silently."""
    data, gathered = ingredients.context.spec.data, ingredients.gathered
    too_long = (train.sizes > data.max_length).reshape(-1, answers).any(axis=1)
    dropped, cut = int((~kept).sum()), int((too_long & kept).sum())
    repeated = repeated_rows(gathered.split.train)
    found = (
        (dropped, f"rows longer than {data.max_length} tokens dropped"),
        (cut, f"rows longer than {data.max_length} tokens cut"),
        (gathered.split.shared, "training rows dropped as equal to held-out ones"),
        (repeated, "rows are equal to an earlier one"),
    )
    return "; ".join(f"{count} {what}" for count, what in found if count)
