"""Who may start, end and decide a sweep; its trials follow it."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.people import Person
from bot.domain.policy import YES, Policy, Right, no, right_of_requester, right_to_decide
from bot.domain.sweep import Sweep, SweepStatus


@dataclass(frozen=True)
class SweepRights:
    """What one person may do with one sweep now."""

    start: Right
    cancel: Right
    approve: Right
    reject: Right


def sweep_rights(policy: Policy, person: Person, sweep: Sweep, now: datetime) -> SweepRights:
    """Return all that the person may do with the sweep now."""
    decide = right_to_decide(policy, person, sweep, now)
    start = right_to_start_sweep(person, sweep)
    if sweep.status is not SweepStatus.PLANNED:
        start = no("It has been started already.")
    return SweepRights(start, right_to_cancel_sweep(policy, person, sweep), decide, decide)


def right_to_start_sweep(person: Person, sweep: Sweep) -> Right:
    """Return whether the plan is the person's own."""
    if person.is_same(sweep.requester):
        return YES
    return no(f"This sweep is {sweep.requester.name}'s; only they can start it.")


def right_to_cancel_sweep(policy: Policy, person: Person, sweep: Sweep) -> Right:
    """Return whether the person may end the sweep with its runs."""
    if sweep.ended_at is not None:
        return no(f"The sweep is over ({sweep.status}).")
    if sweep.wish.cancel is not None:
        return no("It is being stopped already.")
    return right_of_requester(policy, person, sweep, "cancel it")
