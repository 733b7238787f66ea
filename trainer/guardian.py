"""Act on the guard's verdict: report it, stop the run, skip the batch, or go back."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from trainer.bad_batches import BadBatches, Pass
from trainer.checkpoint import Manifest, Totals
from trainer.context import Context
from trainer.contract.progress import GuardEvent, GuardLine
from trainer.contract.spec import RunSpec
from trainer.errors import DivergedError
from trainer.group import gathered
from trainer.guarding import Observation, Verdict, decide
from trainer.keeping import find

SHOWN_ROWS = 8
_LOWER = "Start again with a lower learning rate, or a longer warm-up."
_LOOK = "Lower the learning rate, look at the data, or raise the limit."
_REMEDIES: Mapping[GuardEvent, str] = {
    "loss_not_finite": _LOWER,
    "gradient_not_finite": _LOWER,
    "loss_limit": _LOOK,
    "loss_spike": _LOOK,
    "gradient_spike": _LOOK,
}


class RollBack(Exception):  # noqa: N818  # no error: it leaves the library's training loop
    """The loop has to begin anew from the checkpoint `found`, in every process."""

    def __init__(self, found: tuple[Path, Manifest]) -> None:
        super().__init__(f"back to step {found[1].step}")
        self.found = found


class Guardian:
    """Looks at each step once; `totals.guard` is its memory, and goes into every checkpoint."""

    def __init__(self, context: Context, totals: Totals, batches: BadBatches | None) -> None:
        self._context, self._totals, self._batches = context, totals, batches

    def lets_pass(self, seen: Observation, passes: Callable[[], Sequence[Pass]]) -> bool:
        """Return whether the optimizer may make the step; all processes ask together.

        `passes` are this process's. Raises `DivergedError` to stop, `RollBack` to go back.
        """
        spec = self._context.spec
        verdict, self._totals.guard = decide(spec.guard, self._totals.guard, seen)
        finding = verdict.finding
        if finding is None or verdict.action == "go":
            return True
        found = find(self._context) if verdict.action == "rolled_back" else None
        if verdict.action == "rolled_back" and found is None:
            verdict = Verdict("stopped", finding, spent="checkpoints")
        self._report(seen.step, verdict, found, [one for of in gathered(passes()) for one in of])
        if verdict.action == "stopped":
            raise DivergedError(
                _sentence(spec, seen.step, verdict),
                remedy=_REMEDIES[finding.event],
                step=seen.step,
            )
        if found is not None:
            self._go_back(seen.step, found)
        return verdict.action != "skipped"

    def _go_back(self, step: int, found: tuple[Path, Manifest]) -> None:
        then, now = found[1].totals, self._totals
        now.guard = now.guard.rolled_back(step=step, to=then.guard, to_step=found[1].step)
        now.tokens, now.loss, now.standing = then.tokens, then.loss, then.standing
        raise RollBack(found)

    def _report(
        self,
        step: int,
        verdict: Verdict,
        found: tuple[Path, Manifest] | None,
        passes: Sequence[Pass],
    ) -> None:
        finding, action = verdict.finding, verdict.action
        if not self._context.is_first or finding is None or action == "go":
            return
        rows: tuple[str, ...] = ()
        rows_total = 0
        if self._batches is not None:
            rows, rows_total = self._batches.add(step, finding, action, passes)
        self._context.progress.write(
            GuardLine,
            step=step,
            event=finding.event,
            value=finding.value if math.isfinite(finding.value) else None,
            z=finding.z,
            action=action,
            rows=rows[:SHOWN_ROWS],
            rows_total=rows_total,
            back_to=found[1].step if found is not None else None,
        )


def _sentence(spec: RunSpec, step: int, verdict: Verdict) -> str:
    guard, finding = spec.guard, verdict.finding
    assert finding is not None
    value = finding.value
    said = {
        "loss_not_finite": f"The loss became {value} at step {step}",
        "gradient_not_finite": f"The gradient became {value} at step {step}",
        "loss_limit": f"The loss was {value:.4f} at step {step}, above the limit guard.max_loss "
        f"{guard.max_loss}",
        "loss_spike": f"The loss leapt to {value:.4f} at step {step}",
        "gradient_spike": f"The gradient's norm leapt to {value:.4g} at step {step}",
    }[finding.event]
    z = f", {finding.z:.1f} deviations above the steps before" if finding.z is not None else ""
    rate = f" (learning rate {spec.optim.lr:g})" if finding.event.endswith("finite") else ""
    return f"{said}{z}{rate}.{_spent(spec, verdict)}"


def _spent(spec: RunSpec, verdict: Verdict) -> str:
    guard = spec.guard
    return {
        "": "",
        "max_skips": f" {guard.max_skips} batches had been skipped before (guard.max_skips).",
        "max_rollbacks": f" The run had gone back to a checkpoint {guard.max_rollbacks} times "
        "before (guard.max_rollbacks).",
        "checkpoints": " There is no whole checkpoint to go back to.",
    }[verdict.spent]
