"""Decide whether a step is sound: its loss and gradient against the spec and those before it.

A pure function, so that every process comes to the same verdict from the same reduced numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from pydantic import BaseModel, ConfigDict

from trainer.contract.guard import Guard
from trainer.contract.progress import GuardAction, GuardEvent

# Steps that a new one is compared with, as in OLMo-core's SkipStepOptimizer (arXiv:2501.00656);
# a quarter of them is enough to begin, as median and MAD bear up to half of them being odd.
WINDOW = 128
ENOUGH = 32
# Makes the median absolute deviation of a normal distribution its standard deviation
# (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993).
MAD_TO_SIGMA = 1.4826
# The least spread that is believed. A loss that hardly moves would make noise a spike: so it must
# rise by 12 % of itself, and by 0.06 nats, to pass a z of 6; a gradient must grow 1.8-fold.
LEAST_SHARE = 0.02
LEAST_NATS = 0.01
LEAST_LOG = 0.1
TINY = 1e-30


class GuardState(BaseModel):
    """What the guard remembers from step to step; it is part of every checkpoint.

    `losses` in nats and `norms` as natural logarithms, oldest first, finite ones only; `odd_step`
    is the last step that stood out. `ahead` is how many steps' data lie behind us that no step has
    learned from: those between a checkpoint that was gone back to and the bad batch, and that.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    losses: tuple[float, ...] = ()
    norms: tuple[float, ...] = ()
    odd_step: int = -1
    skips: int = 0
    rollbacks: int = 0
    ahead: int = 0

    def after(self, seen: "Observation") -> "GuardState":
        """Return the state with the step's numbers taken into the window."""
        if not (math.isfinite(seen.loss) and math.isfinite(seen.grad_norm)):
            return self
        return self.model_copy(
            update={
                "losses": (*self.losses, seen.loss)[-WINDOW:],
                "norms": (*self.norms, log_norm(seen.grad_norm))[-WINDOW:],
            }
        )

    def rolled_back(self, *, step: int, to: "GuardState", to_step: int) -> "GuardState":
        """Return what to remember after going back from `step` to the checkpoint of `to_step`.

        The window is the checkpoint's; what was used up stays used up. The data goes on behind
        the bad batch.
        """
        return self.model_copy(
            update={
                "losses": to.losses,
                "norms": to.norms,
                "odd_step": to.odd_step,
                "rollbacks": self.rollbacks + 1,
                "ahead": self.ahead + step - to_step,
            }
        )


@dataclass(frozen=True)
class Observation:
    """A step before it changes a weight: `loss` in nats and `grad_norm`, over all processes."""

    step: int
    loss: float
    grad_norm: float


@dataclass(frozen=True)
class Finding:
    """What is odd about a step; `z` where it was compared with the steps before."""

    event: GuardEvent
    value: float
    z: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What to do about a step. `spent` says which allowance of the spec is used up."""

    action: Literal["go"] | GuardAction
    finding: Finding | None = None
    spent: str = ""


def decide(guard: Guard, state: GuardState, seen: Observation) -> tuple[Verdict, GuardState]:
    """Return what to do about the step that was `seen`, and what to remember."""
    finding = _broken(guard, seen) or _spike(guard, state, seen)
    after = state.after(seen)
    if finding is None:
        return Verdict("go"), after
    is_new = seen.step != state.odd_step + 1
    after = after.model_copy(update={"odd_step": seen.step})
    action = _policy(guard, finding)
    if action == "reported":
        # One line for an episode: after a change of level every step stands out for a while.
        return (Verdict("reported", finding) if is_new else Verdict("go")), after
    if action == "skipped":
        if state.skips >= guard.max_skips:
            return Verdict("stopped", finding, spent="max_skips"), after
        after = after.model_copy(update={"skips": state.skips + 1})
    if action == "rolled_back" and state.rollbacks >= guard.max_rollbacks:
        return Verdict("stopped", finding, spent="max_rollbacks"), after
    return Verdict(action, finding), after


def robust_z(value: float, window: Sequence[float], *, least: float) -> float:
    """Return how many deviations `value` lies above the window's median.

    The deviation is the scaled median absolute one, and at least `least`.
    """
    centre = median(window)
    spread = MAD_TO_SIGMA * median(abs(other - centre) for other in window)
    return (value - centre) / max(spread, least)


def log_norm(norm: float) -> float:
    """Return the logarithm of a gradient's norm, whose noise is a factor and not an addition."""
    return math.log(max(norm, TINY))


def rate_factor(guard: Guard, state: GuardState, saved: GuardState) -> float:
    """Return what the learning rate of a checkpoint is multiplied by to go on from it.

    Each rollback lowers the rate once; the checkpoint's has those before it already.
    """
    return guard.rollback_lr_factor ** (state.rollbacks - saved.rollbacks)


def rolls_back(guard: Guard) -> bool:
    """Return whether the spec ever asks to go back to a checkpoint."""
    return "rollback" in (guard.nan, guard.on_spike)


def _broken(guard: Guard, seen: Observation) -> Finding | None:
    if not math.isfinite(seen.loss):
        return Finding("loss_not_finite", seen.loss)
    if not math.isfinite(seen.grad_norm):
        return Finding("gradient_not_finite", seen.grad_norm)
    if guard.max_loss is not None and seen.loss > guard.max_loss:
        return Finding("loss_limit", seen.loss)
    return None


def _spike(guard: Guard, state: GuardState, seen: Observation) -> Finding | None:
    if len(state.losses) < ENOUGH:
        return None
    least = max(LEAST_SHARE * abs(median(state.losses)), LEAST_NATS)
    loss_z = robust_z(seen.loss, state.losses, least=least)
    norm_z = robust_z(log_norm(seen.grad_norm), state.norms, least=LEAST_LOG)
    if loss_z > guard.spike_z:
        return Finding("loss_spike", seen.loss, loss_z)
    if norm_z > guard.spike_z:
        return Finding("gradient_spike", seen.grad_norm, norm_z)
    return None


def _policy(guard: Guard, finding: Finding) -> GuardAction:
    if finding.event == "loss_limit":
        return "stopped"
    if finding.event in ("loss_not_finite", "gradient_not_finite"):
        return ACTIONS[guard.nan]
    return ACTIONS[guard.on_spike]


ACTIONS: dict[str, GuardAction] = {
    "report": "reported",
    "stop": "stopped",
    "skip": "skipped",
    "rollback": "rolled_back",
}
