"""How fast rows become tokens beside TRL's preparation, and what a step waits for its batch."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from transformers import PreTrainedTokenizerBase
from trl import SFTConfig, SFTTrainer

from tests.bench.bench_training import SPEC, Clock, context_in
from trainer.callbacks import Reporter
from trainer.checkpoint import Totals
from trainer.contract.spec import Batch
from trainer.data.gather import gather
from trainer.data.rows import Conversation
from trainer.loop import Ingredients, Watch
from trainer.model import make_model
from trainer.packed import PackedLoop
from trainer.prepare import prepare
from trainer.tokens.cache import kept_sequences
from trainer.tokens.encode import encode_chunks

Record = Callable[..., None]
ROUNDS = 3
COPIES = 3  # of the rows, so that starting costs little
GPU_TOKENS = 16_384  # in one forward pass, as on a large GPU


def talks_of(folder: Path) -> tuple[list[Conversation], PreTrainedTokenizerBase]:
    gathered = gather(SPEC, folder)
    tokenizer = prepare(context_in(folder), gathered, None).tokenizer
    talks = [row for row in gathered.split.train if isinstance(row, Conversation)]
    return talks * COPIES, tokenizer


def ours(talks: list[Conversation], tokenizer: PreTrainedTokenizerBase, folder: Path) -> float:
    """Return rows a second from rows to arrays on disk."""
    began = time.perf_counter()
    kept_sequences(
        folder,
        str(began),
        SPEC.data,
        lambda tally: encode_chunks(talks, tokenizer, SPEC.data, tally),
    )
    return len(talks) / (time.perf_counter() - began)


def theirs(
    talks: list[Conversation], tokenizer: PreTrainedTokenizerBase, folder: Path, processes: int
) -> float:
    """Return rows a second of what SFTTrainer does with a dataset before it trains."""
    datasets.disable_caching()
    rows = [
        {"messages": [{"role": m.role, "content": m.content} for m in talk.messages]}
        for talk in talks
    ]
    spent: list[float] = []

    class Timed(SFTTrainer):
        def _prepare_dataset(self, *arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            prepared = super()._prepare_dataset(*arguments, **options)
            spent.append(time.perf_counter() - began)
            return prepared

    Timed(
        model=make_model(SPEC, tokenizer, None).module,
        args=SFTConfig(
            output_dir=str(folder),
            max_length=256,
            assistant_only_loss=True,
            activation_checkpointing=False,
            dataset_num_proc=processes if processes > 1 else None,
            bf16=False,
            use_cpu=True,
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
    )
    return len(rows) / sum(spent)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_preparing_rows_beside_trl(record: Record, tmp_path: Path) -> None:
    talks, tokenizer = talks_of(tmp_path)
    cores = os.cpu_count() or 1
    rounds = [
        (
            ours(talks, tokenizer, tmp_path / "kept"),
            theirs(talks, tokenizer, tmp_path, 1),
            theirs(talks, tokenizer, tmp_path, cores),
        )
        for _ in range(ROUNDS)
    ]
    names = ("ours", "TRL as it comes", f"TRL with {cores} processes")
    for name, rates in zip(names, zip(*rounds, strict=True), strict=True):
        record(f"rows to tokens, {name}", statistics.median(rates), "rows/s", rows=len(talks))
    ratio = statistics.median(mine / max(others) for mine, *others in rounds)
    record("rows to tokens, ours to TRL's better", ratio, "times", rounds=ROUNDS)
    assert ratio > 1


def test_what_a_step_waits_for_its_batch(record: Record, tmp_path: Path) -> None:
    context = context_in(tmp_path)
    loop = PackedLoop(Ingredients(context, gather(SPEC, tmp_path), None))
    spent: list[float] = []
    steps: list[float] = []

    class StepClock(Clock):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            steps.append(time.perf_counter())

    reporter = Reporter(context, Totals())
    trainer = loop.make_trainer(Watch(reporter, lambda *_: None, [reporter, StepClock()]))
    collate = trainer.data_collator

    def timed(examples: Any) -> Any:
        began = time.perf_counter()
        batch = collate(examples)
        spent.append(time.perf_counter() - began)
        return batch

    trainer.data_collator = timed
    trainer.train()
    step_s = statistics.median(np.diff(steps))
    record("collating, share of a step", 100 * statistics.median(spent) / step_s, "%")
    assert statistics.median(spent) < 0.01 * step_s


def test_collating_as_many_tokens_as_a_gpu_takes_at_once(record: Record, tmp_path: Path) -> None:
    batch = Batch(tokens_per_step=GPU_TOKENS, micro_tokens=GPU_TOKENS)
    wide = SPEC.model_copy(update={"batch": batch})
    found = prepare(replace(context_in(tmp_path), spec=wide), gather(wide, tmp_path), None)
    fill = found.data.tokens / (len(found.train.bins) * GPU_TOKENS)
    record("packing, slots filled", 100 * fill, "%", bins=len(found.train.bins))
    times = []
    for _ in range(ROUNDS):
        for place in range(len(found.train.bins)):
            began = time.perf_counter()
            found.train([{"bin": place}])
            times.append(time.perf_counter() - began)
    record("collating 16,384 tokens", 1000 * statistics.median(times), "ms", batches=len(times))
