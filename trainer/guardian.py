"""Act on the guard's verdict: report it, and stop the run or let the batch be skipped."""

import math
from collections.abc import Mapping

from trainer.checkpoint import Totals
from trainer.context import Context
from trainer.contract.progress import GuardEvent, GuardLine
from trainer.contract.spec import RunSpec
from trainer.errors import DivergedError
from trainer.guarding import Finding, Observation, Verdict, decide

_LOWER = "Start again with a lower learning rate, or a longer warm-up."
_LOOK = "Lower the learning rate, look at the data, or raise the limit."
_REMEDIES: Mapping[GuardEvent, str] = {
    "loss_not_finite": _LOWER,
    "gradient_not_finite": _LOWER,
    "loss_limit": _LOOK,
    "loss_spike": _LOOK,
    "gradient_spike": _LOOK,
}


class Guardian:
    """Looks at each step once; `totals.guard` is its memory, and goes into every checkpoint."""

    def __init__(self, context: Context, totals: Totals) -> None:
        self._context, self._totals = context, totals

    def lets_pass(self, seen: Observation) -> bool:
        """Return whether the optimizer may make the step. Raises `DivergedError` to stop."""
        spec = self._context.spec
        verdict, self._totals.guard = decide(spec.guard, self._totals.guard, seen)
        if verdict.finding is None:
            return True
        self._report(seen.step, verdict, verdict.finding)
        if verdict.action == "stopped":
            raise DivergedError(
                _sentence(spec, seen.step, verdict, verdict.finding),
                remedy=_REMEDIES[verdict.finding.event],
                step=seen.step,
            )
        return verdict.action != "skipped"

    def _report(self, step: int, verdict: Verdict, finding: Finding) -> None:
        if not self._context.is_first or verdict.action == "go":
            return
        self._context.progress.write(
            GuardLine,
            step=step,
            event=finding.event,
            value=finding.value if math.isfinite(finding.value) else None,
            z=finding.z,
            action=verdict.action,
        )


def _sentence(spec: RunSpec, step: int, verdict: Verdict, finding: Finding) -> str:
    guard, value = spec.guard, finding.value
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
    if verdict.spent == "max_skips":
        return f" {spec.guard.max_skips} batches had been skipped before (guard.max_skips)."
    return ""
