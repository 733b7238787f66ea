"""Append progress lines to `progress.jsonl`, and say them on standard output."""

import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from trainer.contract.failure import Failure
from trainer.contract.progress import (
    CheckpointLine,
    DataLine,
    EvalLine,
    FailureLine,
    GuardLine,
    PhaseLine,
    ProgressLine,
    ResultLine,
    ResumeLine,
    SampleLine,
    StepLine,
    guard_sentence,
    resume_note,
)

Line = TypeVar(
    "Line",
    PhaseLine,
    StepLine,
    EvalLine,
    SampleLine,
    CheckpointLine,
    ResumeLine,
    DataLine,
    GuardLine,
    ResultLine,
    FailureLine,
)
# A person reads a line a second; a chart is drawn from more.
SPOKEN_EVERY_S = 1.0
ENDING = ".jsonl"


class Progress:
    """The run's progress file, in the folder `output` or named by it.

    Every line is flushed, so a reader never waits for a buffer.
    """

    def __init__(
        self,
        output: Path,
        *,
        attempt: int,
        say: Callable[[str], None],
        as_json: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = output if output.suffix == ENDING else output / f"progress{ENDING}"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.attempt = attempt
        self._say, self._as_json, self._clock = say, as_json, clock
        self._spoken_at = -math.inf
        self.listeners: list[Callable[[ProgressLine], None]] = []
        _end_torn_line(self.path)

    def write(self, kind: type[Line], **values: Any) -> Line:
        """Append one line, stamped with the time and the attempt, and return it."""
        line = kind(at=self._clock(), attempt=self.attempt, **values)
        text = line.model_dump_json() + "\n"
        with self.path.open("a", encoding="utf-8") as file:
            file.write(text)
        self._speak(line, text)
        for listener in self.listeners:
            listener(line)
        return line

    def fail(self, failure: Failure) -> None:
        """Append the failure. On a full disk the file cannot take it; it is still said."""
        try:
            self.write(FailureLine, failure=failure)
        except OSError:
            self._say(f"{failure.message} {failure.remedy}")

    def _speak(self, line: ProgressLine, text: str) -> None:
        if self._as_json:
            self._say(text.rstrip("\n"))
            return
        if isinstance(line, StepLine):
            if line.at - self._spoken_at < SPOKEN_EVERY_S and line.step != line.total:
                return
            self._spoken_at = line.at
        self._say(in_words(line))


def in_words(line: ProgressLine) -> str:
    """Return the line as a person reads it in a log."""
    return _WORDS[line.kind](line)


def _phase(line: PhaseLine) -> str:
    return f"== {line.phase.value}" + (f": {line.note}" if line.note else "")


def _data(line: DataLine) -> str:
    return (
        f"data: {line.rows_kept} of {line.rows} rows to learn, {line.rows_eval} held out, "
        f"{line.tokens} tokens ({line.trained_tokens} learned), longest {line.longest}, "
        f"sha256 {line.sha256[:12]}" + (f". {line.note}" if line.note else "")
    )


def _step(line: StepLine) -> str:
    return (
        f"step {line.step}/{line.total}  loss {line.loss:.4f}  lr {line.lr:.2e}  "
        f"{line.tokens_per_s:.0f} tokens/s  {line.eta_s:.0f} s left"
    )


def _eval(line: EvalLine) -> str:
    said = [f"eval at step {line.step}: loss {line.loss:.4f}"]
    if line.perplexity is not None:
        said.append(f"perplexity {line.perplexity:.2f}")
    return ", ".join([*said, *(f"{name} {value:.4f}" for name, value in line.metrics.items())])


def _sample(line: SampleLine) -> str:
    return f"sample at step {line.step}: {line.prompt!r} -> {line.text!r}"


def _checkpoint(line: CheckpointLine) -> str:
    return f"checkpoint of step {line.step} in {line.path}"


def _resume(line: ResumeLine) -> str:
    how = "exactly" if line.exact else "approximately"
    return f"resuming {how} after step {line.step}. {resume_note(line)}".rstrip()


def _result(line: ResultLine) -> str:
    trained = f"done: {line.steps} steps, {line.tokens} tokens in {line.train_s:.1f} s"
    return (
        f"{trained if line.steps else 'judged'}; held-out "
        f"loss {line.first_eval_loss:.4f} -> {line.eval_loss:.4f}{_metrics(line)}; "
        f"model in {line.model}" + (f". {line.goal}" if line.goal else "")
    )


def _metrics(line: ResultLine) -> str:
    """Return the other figures, each with what it was before training where that is known."""
    known = line.eval_perplexity
    said = "" if known is None else f" (perplexity {known:.2f})"
    for name, value in line.metrics.items():
        before = line.first_metrics.get(name)
        said += f", {name} " + (
            f"{value:.4f}" if before is None else f"{before:.4f} -> {value:.4f}"
        )
    return said


def _failure(line: FailureLine) -> str:
    return f"failed: {line.failure.message} {line.failure.remedy}"


_WORDS: dict[str, Callable[[Any], str]] = {
    "phase": _phase,
    "data": _data,
    "step": _step,
    "eval": _eval,
    "sample": _sample,
    "checkpoint": _checkpoint,
    "resume": _resume,
    "guard": guard_sentence,
    "result": _result,
    "failure": _failure,
}


def _end_torn_line(path: Path) -> None:
    """Cut a last line that a killed attempt did not finish, so that every line can be read."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        content = file.read()
        if content and not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)
            os.fsync(file.fileno())
