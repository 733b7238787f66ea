"""All that a trainer said of one run, folded line by line into curves and a summary."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from bot.domain.buckets import Curve, trend
from bot.domain.redact import redact
from bot.domain.run import Point, ProgressSeen, Readings, ResultSeen, SampleSeen
from bot.ports import Mark
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
    curve_of,
    guard_sentence,
    resume_note,
)

CURVE_POINTS = 40
READ = tuple(field.name for field in fields(Readings))
# Marks of what happened, wherever the run goes back to afterwards.
LASTING = ("resume", "guard")
UNITS = {
    "loss": "nats/token",
    "lr": "",
    "grad_norm": "",
    "tokens_per_s": "tokens/s",
    "mfu": "of peak",
    "memory_gb": "GB",
    "eval_loss": "nats/token",
    "eval_perplexity": "",
}


class Growing:
    """A curve that grows at its end, and is cut back when a later attempt begins again."""

    def __init__(self) -> None:
        self.steps = array("q")
        self.values = array("d")

    def add(self, step: int, value: float) -> None:
        self.cut(step)
        self.steps.append(step)
        self.values.append(value)

    def cut(self, step: int) -> None:
        """Forget the points from `step` on."""
        at = bisect_left(self.steps, step)
        del self.steps[at:], self.values[at:]

    @property
    def curve(self) -> Curve:
        return Curve(self.steps, self.values)


class History:
    """Takes lines in the order of the file.

    What an earlier attempt wrote beyond the step at which a later one goes on never happened:
    it is cut away, so every step counts once and the later line wins.
    """

    def __init__(self) -> None:
        self.curves = {key: Growing() for key in UNITS}
        self.marks: list[Mark] = []
        self._attempt = 1
        self._seen = ProgressSeen()
        self._samples: list[SampleSeen] = []
        self._takers: dict[type, Callable[[Any], None]] = {
            PhaseLine: self._phase,
            DataLine: self._data,
            StepLine: self._step,
            EvalLine: self._eval,
            SampleLine: self._sample,
            CheckpointLine: self._checkpoint,
            ResumeLine: self._resume,
            GuardLine: self._guard,
            ResultLine: self._result,
            FailureLine: self._fail,
        }

    def seen(self) -> ProgressSeen:
        """Return the summary, with every secret hidden."""
        curve = trend(self.curves["loss"].curve, CURVE_POINTS)
        points = tuple(Point(step, value) for step, value in _pairs(curve))
        return replace(
            self._seen,
            first_loss=self.curves["loss"].values[0] if points else None,
            curve=points,
            samples=tuple(self._samples),
        )

    def curve(self, key: str) -> Growing:
        """Return the curve of a metric; those of a method's own figures begin when met."""
        return self.curves.setdefault(key, Growing())

    def add(self, line: ProgressLine) -> None:
        """Take the next line."""
        if line.attempt > self._attempt:
            self._attempt = line.attempt
            self._seen = replace(self._seen, failure=None, result=None)
        self._takers[type(line)](line)

    def _phase(self, line: PhaseLine) -> None:
        self._seen = replace(self._seen, phase=line.phase, note=redact(line.note))

    def _data(self, line: DataLine) -> None:
        self._seen = replace(self._seen, note=redact(line.note))

    def _step(self, line: StepLine) -> None:
        if self._seen.total and line.step <= self._seen.step:
            self._rewind(line.step - 1)
        for key in ("loss", "lr", "grad_norm", "tokens_per_s", "mfu", "memory_gb"):
            self._put(key, line.step, getattr(line, key))
        finite = line.loss if math.isfinite(line.loss) else self._seen.loss
        self._seen = replace(
            self._seen,
            step=line.step,
            total=line.total,
            loss=finite,
            tokens=line.tokens,
            tokens_per_s=line.tokens_per_s if math.isfinite(line.tokens_per_s) else None,
            eta_s=line.eta_s if math.isfinite(line.eta_s) else None,
            readings=Readings(**{name: getattr(line, name) for name in READ}),
        )

    def _eval(self, line: EvalLine) -> None:
        self._put("eval_loss", line.step, line.loss)
        self._put("eval_perplexity", line.step, line.perplexity)
        for name, value in line.metrics.items():
            self._put(curve_of(name), line.step, value)
        self._mark(line.step, "eval", f"Evaluation at step {line.step:,}: loss {line.loss:.4g}")
        if math.isfinite(line.loss):
            self._seen = replace(self._seen, eval_loss=line.loss)

    def _sample(self, line: SampleLine) -> None:
        if self._samples and self._samples[-1].step != line.step:
            self._samples.clear()
        said = SampleSeen(line.step, redact(line.prompt), redact(line.text))
        self._samples = [*(s for s in self._samples if s.prompt != said.prompt), said]

    def _checkpoint(self, line: CheckpointLine) -> None:
        self._mark(line.step, "checkpoint", f"Checkpoint at step {line.step:,}")
        self._seen = replace(self._seen, last_checkpoint_step=line.step)

    def _resume(self, line: ResumeLine) -> None:
        self._rewind(line.step)
        how = "exactly" if line.exact else "nearly"
        note = redact(resume_note(line))
        text = f"Attempt {line.attempt} goes on {how} after step {line.step:,}. {note}"
        self.marks.append(Mark(line.step, "resume", text.strip()))

    def _guard(self, line: GuardLine) -> None:
        text = guard_sentence(line)
        if line.back_to is not None:
            self._rewind(line.back_to)
        self._mark(line.step, "guard", text)
        self._seen = replace(self._seen, warning=text)

    def _result(self, line: ResultLine) -> None:
        result = ResultSeen(
            steps=line.steps,
            tokens=line.tokens,
            train_s=line.train_s,
            loss=line.loss,
            eval_loss=line.eval_loss,
            eval_perplexity=line.eval_perplexity,
            first_eval_loss=line.first_eval_loss,
            peak_memory_bytes=line.peak_memory_bytes,
            model=line.model,
            model_sha256=line.model_sha256,
            ended=redact(line.ended),
            best_step=line.best_step,
            metrics=_finite(line.metrics),
            first_metrics=_finite(line.first_metrics),
        )
        self._seen = replace(self._seen, result=result, failure=None, eta_s=None)

    def _fail(self, line: FailureLine) -> None:
        words = {
            "message": redact(line.failure.message),
            "remedy": redact(line.failure.remedy),
        }
        failure = line.failure.model_copy(update=words)
        self._seen = replace(self._seen, failure=failure, eta_s=None)

    def _rewind(self, step: int) -> None:
        """Forget what lies beyond `step`."""
        for curve in self.curves.values():
            curve.cut(step + 1)
        self.marks = [m for m in self.marks if m.step <= step or m.kind in LASTING]
        losses, evals = self.curves["loss"].values, self.curves["eval_loss"].values
        saved = [m.step for m in self.marks if m.kind == "checkpoint"]
        self._seen = replace(
            self._seen,
            step=min(self._seen.step, step),
            loss=losses[-1] if losses else None,
            eval_loss=evals[-1] if evals else None,
            last_checkpoint_step=saved[-1] if saved else None,
        )

    def _put(self, key: str, step: int, value: float | None) -> None:
        if value is None:
            return
        if math.isfinite(value):
            self.curve(key).add(step, value)
        else:
            self._mark(step, "not_finite", f"{key} at step {step:,} is no finite number ({value})")

    def _mark(self, step: int, kind: str, text: str) -> None:
        same = (m for m in self.marks if (m.step, m.kind, m.text) == (step, kind, text))
        if next(same, None) is None:
            self.marks.append(Mark(step, kind, text))


def _finite(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def _pairs(curve: Curve) -> list[tuple[int, float]]:
    return list(zip(curve.steps, curve.values, strict=True))
