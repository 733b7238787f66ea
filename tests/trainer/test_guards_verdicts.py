"""What the guard decides from numbers alone."""

import itertools
import math
import random

import pytest

from tests.trainer.small import small_spec
from trainer.contract.guard import Guard
from trainer.contract.spec import canonical_json
from trainer.guarding import (
    ENOUGH,
    WINDOW,
    GuardState,
    Observation,
    Verdict,
    decide,
    robust_z,
)


def seen(step: int, loss: float = 2.0, grad_norm: float = 1.0) -> Observation:
    return Observation(step, loss, grad_norm)


def after_calm(steps: int = 64, *, noise: float = 0.05, guard: Guard | None = None) -> GuardState:
    """Return what the guard remembers after steps of a falling, noisy loss."""
    state, chance = GuardState(), random.Random(0)  # noqa: S311  # noise, no secret
    for step in range(1, steps + 1):
        loss = 3.0 - step / 100 + chance.gauss(0, noise)
        norm = math.exp(chance.gauss(0, 0.2))
        verdict, state = decide(guard or Guard(), state, seen(step, loss, norm))
        assert verdict.action == "go", (step, verdict)
    return state


@pytest.mark.parametrize(
    ("loss", "norm", "event"),
    [
        (math.nan, 1.0, "loss_not_finite"),
        (math.inf, 1.0, "loss_not_finite"),
        (1.0, math.nan, "gradient_not_finite"),
        (1.0, math.inf, "gradient_not_finite"),
    ],
)
def test_a_number_that_is_none_stops_at_once_and_stays_out_of_the_window(
    loss: float, norm: float, event: str
) -> None:
    state = after_calm()
    verdict, after = decide(Guard(), state, seen(65, loss, norm))
    assert verdict.action == "stopped"
    assert verdict.finding is not None
    assert verdict.finding.event == event
    assert (after.losses, after.norms) == (state.losses, state.norms)


def test_a_loss_spike_is_told_with_its_z() -> None:
    verdict, _ = decide(Guard(), after_calm(), seen(65, loss=6.0))
    assert verdict.action == "reported"
    assert verdict.finding is not None
    assert verdict.finding.event == "loss_spike"
    assert verdict.finding.z is not None
    assert verdict.finding.z > 6


def test_a_gradient_explosion_is_told_though_the_loss_is_calm() -> None:
    verdict, _ = decide(Guard(on_spike="stop"), after_calm(), seen(65, loss=2.4, grad_norm=50.0))
    assert verdict.action == "stopped"
    assert verdict.finding is not None
    assert verdict.finding.event == "gradient_spike"


def test_a_fall_of_the_loss_is_no_spike() -> None:
    verdict, _ = decide(Guard(), after_calm(), seen(65, loss=0.01, grad_norm=0.001))
    assert verdict == Verdict("go")


def test_before_enough_steps_nothing_is_called_a_spike() -> None:
    state = after_calm(ENOUGH - 1)
    assert decide(Guard(), state, seen(ENOUGH, loss=50.0))[0] == Verdict("go")
    state = after_calm(ENOUGH)
    assert decide(Guard(), state, seen(ENOUGH + 1, loss=50.0))[0].action == "reported"


def test_a_run_of_a_thousand_noisy_steps_has_no_false_alarm() -> None:
    """Loss and gradient with the noise of small batches: the threshold leaves them alone."""
    state, alarms = GuardState(), 0
    chance = random.Random(1)  # noqa: S311  # noise, no secret
    for step in range(1, 1001):
        loss = 2 + 4 * math.exp(-step / 200) + chance.gauss(0, 0.15)
        verdict, state = decide(Guard(), state, seen(step, loss, chance.lognormvariate(0, 0.4)))
        alarms += verdict.action != "go"
    assert alarms == 0


def test_a_loss_that_hardly_moves_is_not_alarmed_by_its_noise() -> None:
    state = GuardState()
    for step in range(1, 65):
        _, state = decide(Guard(), state, seen(step, loss=2.0 + step * 1e-6))
    assert decide(Guard(), state, seen(65, loss=2.01))[0] == Verdict("go")


def test_a_new_level_is_reported_once_and_then_taken_for_normal() -> None:
    state, told = after_calm(WINDOW), []
    for step in range(WINDOW + 1, 3 * WINDOW):
        verdict, state = decide(Guard(), state, seen(step, loss=6.0))
        if verdict.action != "go":
            told.append(step)
    assert told == [WINDOW + 1]


def test_skips_are_counted_over_the_run_and_the_last_one_too_many_stops() -> None:
    guard, state, said = Guard(nan="skip", max_skips=2), GuardState(), []
    for step, loss in zip(itertools.count(1), (1.0, math.nan, 1.0, math.nan, math.nan)):
        verdict, state = decide(guard, state, seen(step, loss))
        said.append(verdict.action)
    assert said == ["go", "skipped", "go", "skipped", "stopped"]
    assert verdict.spent == "max_skips"
    assert state.skips == 2


def test_a_limit_stops_whatever_the_policy_for_spikes() -> None:
    guard = Guard(max_loss=4.0, on_spike="skip", nan="skip")
    verdict, _ = decide(guard, GuardState(), seen(1, loss=4.5))
    assert verdict.action == "stopped"


def test_the_same_numbers_give_every_process_the_same_verdict_and_memory() -> None:
    numbers = [seen(step, loss) for step, loss in enumerate((2.0, math.nan, 9.0, 2.1), 1)]
    guard, ours, theirs = Guard(nan="skip", on_spike="skip"), after_calm(), after_calm()
    for number in numbers:
        mine, ours = decide(guard, ours, number)
        other, theirs = decide(guard, theirs, number)
        assert mine.action == other.action
    assert ours == theirs


def test_the_robust_z_is_the_distance_from_the_median_in_scaled_deviations() -> None:
    """Window 1..9: median 5, MAD 2, so 14 lies 9 / (1.4826 * 2) above."""
    assert robust_z(14.0, [*map(float, range(1, 10))], least=0.1) == pytest.approx(9 / 2.9652)
    assert robust_z(6.0, [5.0] * 9, least=0.5) == pytest.approx(2.0)


def test_the_memory_goes_through_a_checkpoint_bit_by_bit() -> None:
    state = after_calm(200, noise=0.3)
    assert GuardState.model_validate_json(state.model_dump_json()) == state


def test_a_spec_from_before_the_guard_learned_more_keeps_its_hash() -> None:
    spec = small_spec(guard={"nan": "stop", "max_loss": 20.0})
    assert '"guard":{"max_loss":20.0,"nan":"stop"}' in canonical_json(spec)
    changed = small_spec(guard={"nan": "stop", "max_loss": 20.0, "on_spike": "skip"})
    assert '"on_spike":"skip"' in canonical_json(changed)
