"""How fast we train beside TRL's SFTTrainer as it comes, on the same rows and the same model."""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import torch
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer

from trainer.callbacks import Reporter
from trainer.checkpoint import Totals
from trainer.context import Context
from trainer.contract.spec import RunSpec, spec_hash
from trainer.data.gather import gather
from trainer.data.rows import Conversation
from trainer.loop import Ingredients, Watch
from trainer.model import make_model
from trainer.packed import PackedLoop
from trainer.prepare import prepare
from trainer.progress import Progress

Record = Callable[..., None]
ROUNDS = 3
STEPS = 6
WARM_STEPS = 2  # The first steps allocate and compile.
TOKENS = 4096
SPEC = RunSpec.model_validate(
    {
        "recipe": "bench",
        "name": "bench",
        "method": "sft",
        "model": {
            "config": {
                "hidden_size": 128,
                "layers": 4,
                "heads": 4,
                "intermediate_size": 384,
                "vocab_size": 2048,
            }
        },
        "data": {"train": {"uri": "builtin:python-qa"}, "max_length": 256},
        "batch": {"tokens_per_step": TOKENS},
        "budget": {"steps": STEPS},
    }
)


class Clock(TrainerCallback):
    """Counts the seconds of the steps after the warm ones, in wall and in CPU time."""

    def __init__(self) -> None:
        self.began = self.ended = (0.0, 0.0)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        now = time.perf_counter(), time.process_time()
        if state.global_step == WARM_STEPS:
            self.began = now
        self.ended = now


def context_in(folder: Path) -> Context:
    return Context(
        spec=SPEC,
        spec_sha256=spec_hash(SPEC),
        output=folder,
        home=folder,
        cache=folder / "cache",
        workdir=folder,
        run_id="bench",
        attempt=1,
        progress=Progress(folder, attempt=1, say=lambda _text: None),
    )


def ours(folder: Path) -> dict[str, float]:
    context = context_in(folder)
    loop = PackedLoop(Ingredients(context, gather(SPEC, folder), None))
    clock, totals, counted = Clock(), Totals(), []

    class Counter(Clock):
        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            counted.append(totals.tokens)

    reporter = Reporter(context, totals)
    loop.make_trainer(Watch(reporter, lambda *_: None, [reporter, Counter(), clock])).train()
    return measured(clock, counted[-1] - counted[WARM_STEPS - 1])


def stock(folder: Path) -> dict[str, float]:
    """TRL's trainer with its own defaults, but fp32: bf16 is emulated on many CPUs."""
    context = context_in(folder)
    gathered = gather(SPEC, folder)
    tokenizer = prepare(context, gathered, None).tokenizer
    talks = [row for row in gathered.split.train if isinstance(row, Conversation)]
    rows = [
        {"messages": [{"role": m.role, "content": m.content} for m in t.messages]} for t in talks
    ]
    clock, tokens = Clock(), []

    class Counting(SFTTrainer):
        def training_step(self, model: Any, inputs: Any, *more: Any, **named: Any) -> Any:
            tokens.append(int(inputs["attention_mask"].sum()))
            return super().training_step(model, inputs, *more, **named)

    model = make_model(SPEC, tokenizer, None).module
    model.set_attn_implementation("sdpa")
    Counting(
        model=model,
        args=SFTConfig(
            output_dir=str(folder),
            max_steps=STEPS,
            # As many real tokens a step as ours, at 43 tokens a row.
            per_device_train_batch_size=TOKENS // 43,
            max_length=256,
            assistant_only_loss=True,
            bf16=False,
            use_cpu=True,
            report_to="none",
            disable_tqdm=True,
            save_strategy="no",
            logging_steps=1,
        ),
        train_dataset=datasets.Dataset.from_list(rows),
        processing_class=tokenizer,
        callbacks=[clock],
    ).train()
    return measured(clock, sum(tokens[WARM_STEPS:]))


def measured(clock: Clock, tokens: int) -> dict[str, float]:
    wall, cpu = (end - begin for begin, end in zip(clock.began, clock.ended, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "tokens_per_s": tokens / wall,
        "cpu_s_per_ktok": 1000 * cpu / tokens,
        "peak_bytes": peak,
    }


def in_a_process(which: str, folder: Path) -> dict[str, float]:
    """Measure in a process of its own, so that neither warms the other's memory."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, __file__, which, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "OMP_WAIT_POLICY": "PASSIVE",
        },
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_training_speed_beside_stock_trl(record: Record, tmp_path: Path) -> None:
    rounds = [
        (in_a_process("ours", tmp_path / "o"), in_a_process("stock", tmp_path / "s"))
        for _ in range(ROUNDS)
    ]
    for place, name in enumerate(("ours", "TRL SFTTrainer")):
        for key, unit in (("tokens_per_s", "tokens/s"), ("cpu_s_per_ktok", "CPU-s/1k tokens")):
            value = statistics.median(pair[place][key] for pair in rounds)
            record(f"training, {name}", value, unit, rounds=ROUNDS, steps=STEPS - WARM_STEPS)
    ratio = statistics.median(a["tokens_per_s"] / b["tokens_per_s"] for a, b in rounds)
    record("training, ours to TRL SFTTrainer", ratio, "times", rounds=ROUNDS)
    assert ratio > 1


if __name__ == "__main__":
    torch.manual_seed(0)
    print(json.dumps({"ours": ours, "stock": stock}[sys.argv[1]](Path(sys.argv[2]))))
