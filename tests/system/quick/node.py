"""What `python -m trainer run` does on an Azure ML node, without torch: progress, log, model.

The spec's `optim.seed` says how it ends: 1 fails as a diverged run does, 2 never ends by itself,
any other adds a hundredth of itself to the held-out loss.
"""

import argparse
import base64
import json
import os
import signal
import sys
import time
from pathlib import Path

from trainer.contract.azure_job import progress_file
from trainer.contract.failure import Failure, FailureKind
from trainer.contract.progress import FailureLine, Phase, PhaseLine, ResultLine, StepLine

PAUSE_S = 0.1
TOKENS = 512
DIVERGES, ENDLESS = 1, 2
Line = PhaseLine | StepLine | ResultLine | FailureLine


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("spec")
    for name in ("output", "keep", "model", "logs", "artifacts"):
        parser.add_argument(f"--{name}", type=Path)
    options, _ = parser.parse_known_args()
    text = os.environ["KRSP_SPEC"]
    spec = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    options.logs.mkdir(parents=True, exist_ok=True)
    attempt = len(list(options.logs.glob("progress-*.jsonl"))) + 1
    with (options.logs / progress_file(attempt)).open("a") as progress:

        def say(line: Line) -> None:
            progress.write(line.model_dump_json() + "\n")
            progress.flush()

        return work(say, options, spec)


def work(say, options, spec) -> int:
    """Write one line a step; what was kept of an earlier attempt is gone on from."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
    steps, seed = spec["budget"]["steps"], spec["optim"]["seed"]
    kept = options.keep / "step.txt"
    begin = int(kept.read_text()) if kept.exists() else 0
    say(PhaseLine(at=time.time(), phase=Phase.TRAIN))
    step = begin
    while step < steps or seed == ENDLESS:
        time.sleep(PAUSE_S)
        step += 1
        numbers = {"tokens": step * TOKENS, "tokens_per_s": TOKENS / PAUSE_S, "eta_s": 1.0}
        print(f"step {step} of {steps}: loss {8.0 / step:.3f}", flush=True)  # noqa: T201 - its log
        say(StepLine(at=time.time(), step=step, total=steps, loss=8.0 / step, lr=1e-3, **numbers))
        options.keep.mkdir(parents=True, exist_ok=True)
        kept.write_text(str(step))
        if seed == DIVERGES and step == steps // 2:
            say(diverged(step))
            return 3
    options.model.mkdir(parents=True, exist_ok=True)
    (options.model / "config.json").write_text("{}")
    say(result(steps, seed))
    return 0


def diverged(step: int) -> FailureLine:
    failure = Failure(
        kind=FailureKind.DIVERGED,
        message="The loss became infinite.",
        remedy="Lower the learning rate.",
        step=step,
    )
    return FailureLine(at=time.time(), failure=failure)


def result(steps: int, seed: int) -> ResultLine:
    return ResultLine(
        at=time.time(),
        steps=steps,
        tokens=steps * TOKENS,
        train_s=steps * PAUSE_S,
        loss=0.6,
        eval_loss=0.7 + seed / 100,
        eval_perplexity=2.0,
        first_eval_loss=8.0,
        peak_memory_bytes=1,
        model="model",
    )


if __name__ == "__main__":
    sys.exit(main())
