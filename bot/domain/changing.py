"""How a run's wish changes when people start, decide or cancel; pure, with the events it makes."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.people import Person
from bot.domain.plan import status_of
from bot.domain.policy import Policy, roles_in_words
from bot.domain.promotion import Promotion
from bot.domain.promotion_planning import Planned
from bot.domain.reasons import because
from bot.domain.run import (
    Approval,
    Cancel,
    Decision,
    Draft,
    Event,
    Run,
    RunStatus,
    Source,
    Wish,
)


@dataclass(frozen=True)
class Change:
    """A run as it shall be stored, and the lines that its audit trail gets."""

    run: Run
    events: tuple[Event, ...]


@dataclass(frozen=True)
class By:
    """Who changes it, when, from where."""

    person: Person
    at: datetime
    source: Source
    words: str = ""  # instead of "<name> asked for ..."


def started(draft: Draft, by: By, policy: Policy, new_key: Callable[[], str]) -> Change:
    """Return the new run of a draft; it waits for approval if the draft says so."""
    approval = question(draft, draft.spec_sha256, by, policy, new_key)
    run = Run(
        id=draft.id,
        spec=draft.spec,
        spec_sha256=draft.spec_sha256,
        requester=draft.requester,
        threads=(draft.thread,) if draft.thread else (),
        plan=draft.plan,
        created_at=by.at,
        wish=Wish(approval=approval),
        status=RunStatus.AWAITING_APPROVAL if approval else RunStatus.QUEUED,
        is_unattended=draft.is_unattended,
        sweep=draft.sweep,
    )
    said = by.words or f"{by.person.name} asked for `{run.spec.name}`."
    events = [event(run, by, "requested", said)]
    if approval is not None:
        events.append(event(run, by, "approval_asked", approval.why))
    return Change(run, tuple(events))


def question(
    plan: Draft | Planned, sha256: str, by: By, policy: Policy, new_key: Callable[[], str]
) -> Approval | None:
    """Return the question to another person that the plan needs, bound to what has this hash."""
    if plan.approval_why is None:
        return None
    return Approval(
        key=f"{plan.id}.{new_key()}",
        spec_sha256=sha256,
        why=plan.approval_why,
        asked_at=by.at,
        expires_at=by.at + policy.approval_expires,
        may_decide=(roles_in_words(policy.approvers),) if policy.approvers else (),
    )


def id_in_key(key: str) -> str:
    """Return the id of what an approval's key asks for."""
    return key.rpartition(".")[0]


def decided(run: Run, by: By, *, approved: bool, reason: str) -> Change:
    """Return the run with the decision in it; rights were checked before."""
    wish = replace(run.wish, approval=answered(run, by, approved=approved, reason=reason))
    verb = "approved" if approved else "rejected"
    text = f"{by.person.name} {verb} it{because(reason)}"
    return settled(replace(run, wish=wish), by.at, event(run, by, verb, text))


def answered(asked: Run | Promotion, by: By, *, approved: bool, reason: str) -> Approval:
    """Return the approval with its answer."""
    approval = asked.wish.approval
    if approval is None:  # the right to decide implies one
        raise ValueError(f"{asked.id} has no approval to decide")
    decision = Decision(by=by.person, at=by.at, approved=approved, reason=reason)
    return replace(approval, decision=decision)


def cancelled(run: Run, by: By, reason: str) -> Change:
    """Return the run with the wish that it ends."""
    wish = replace(run.wish, cancel=Cancel(by=by.person, at=by.at, reason=reason))
    text = f"{by.person.name} asked to stop it{because(reason)}"
    return settled(replace(run, wish=wish), by.at, event(run, by, "cancel_asked", text))


def settled(run: Run, now: datetime, *events: Event) -> Change:
    """Return the run with the state that its facts give it, and an event where that is new."""
    status = status_of(run, now)
    if status is run.status:
        return Change(run, events)
    ended = now if status.is_final else None
    after = replace(run, status=status, ended_at=ended)
    return Change(after, (*events, state_event(after, now)))


def state_event(run: Run, now: datetime) -> Event:
    """Return the line that says which state the run is in now."""
    words = run.status.replace("_", " ")
    return Event(run.id, now, None, "status", f"It is now {words}.", Source.BOT)


def event(run: Run, by: By, kind: str, text: str) -> Event:
    """Return a line of the audit trail in a person's name."""
    return Event(run.id, by.at, by.person, kind, text, by.source)
