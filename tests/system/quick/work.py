"""Write a trainer's progress in a second or two, and note each start in `starts.txt`."""

import sys
import time
from pathlib import Path

from trainer.contract.progress import Phase, PhaseLine, ResultLine, StepLine

STEPS = 15
PAUSE_S = 0.1

output = Path(sys.argv[1])
output.mkdir(parents=True, exist_ok=True)
with (output / "starts.txt").open("a") as starts:
    starts.write("started\n")
with (output / "progress.jsonl").open("a") as progress:

    def say(line: PhaseLine | StepLine | ResultLine) -> None:
        progress.write(line.model_dump_json() + "\n")
        progress.flush()

    say(PhaseLine(at=time.time(), phase=Phase.TRAIN))
    for step in range(1, STEPS + 1):
        time.sleep(PAUSE_S)
        loss = 8.0 / step
        rest = (STEPS - step) * PAUSE_S
        numbers = {"tokens": step * 100, "tokens_per_s": 1000.0, "eta_s": rest}
        say(StepLine(at=time.time(), step=step, total=STEPS, loss=loss, lr=1e-3, **numbers))
    say(
        ResultLine(
            at=time.time(),
            steps=STEPS,
            tokens=STEPS * 100,
            train_s=STEPS * PAUSE_S,
            loss=0.6,
            eval_loss=0.7,
            eval_perplexity=2.0,
            first_eval_loss=8.0,
            peak_memory_bytes=1,
            model="model",
        )
    )
