"""Write a trainer's progress for the steps asked for, and note each start in `starts.txt`."""

import sys
import time
from pathlib import Path

from trainer.contract.progress import Phase, PhaseLine, ResultLine, StepLine

PAUSE_S = 0.15
TOKENS = 512  # a step, as in the recipe tiny-sft

output, steps = Path(sys.argv[1]), int(sys.argv[2])
output.mkdir(parents=True, exist_ok=True)
with (output / "starts.txt").open("a") as starts:
    starts.write("started\n")
with (output / "progress.jsonl").open("a") as progress:

    def say(line: PhaseLine | StepLine | ResultLine) -> None:
        progress.write(line.model_dump_json() + "\n")
        progress.flush()

    say(PhaseLine(at=time.time(), phase=Phase.TRAIN))
    for step in range(1, steps + 1):
        time.sleep(PAUSE_S)
        loss = 8.0 / step
        rest = (steps - step) * PAUSE_S
        numbers = {"tokens": step * TOKENS, "tokens_per_s": TOKENS / PAUSE_S, "eta_s": rest}
        print(f"step {step} of {steps}: loss {loss:.3f}", flush=True)
        say(StepLine(at=time.time(), step=step, total=steps, loss=loss, lr=1e-3, **numbers))
    say(
        ResultLine(
            at=time.time(),
            steps=steps,
            tokens=steps * TOKENS,
            train_s=steps * PAUSE_S,
            loss=0.6,
            eval_loss=0.7,
            eval_perplexity=2.0,
            first_eval_loss=8.0,
            peak_memory_bytes=1,
            model="model",
        )
    )
