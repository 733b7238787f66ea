"""Who may do what, at which cost, and with whose consent; default deny."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.cost import ceiling
from bot.domain.people import Person, Role
from bot.domain.promotion import Promotion
from bot.domain.promotion_limits import Money, PromotionLimits
from bot.domain.run import Plan, Run
from bot.domain.sweep import Sweep
from bot.errors import ForbiddenError
from trainer.contract.compute import Compute
from trainer.contract.price import price_of


class Policy(BaseModel):
    """The policy file; `bot/defaults/policy.yaml` explains each key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    prices: Mapping[str, Money]
    default_machine: str = ""
    start_alone_below: Mapping[Role, Money] = {}
    people: Mapping[str, Money] = {}
    start_unattended_below: Money = 0.0
    never_above: Money
    approvers: tuple[Role, ...] = ()
    cancel_others: tuple[Role, ...] = ()
    approval_expires_hours: Annotated[float, Field(gt=0, le=24 * 30)] = 24.0
    data_roots: tuple[str, ...] = ()
    promote: PromotionLimits = PromotionLimits()

    def price_of(self, compute: Compute) -> float | None:
        """Return the price of one node for an hour: `<sku>/low` goes before `<sku>`, None: none."""
        return price_of(self.prices, compute)

    def limit_of(self, person: Person) -> float:
        """Return up to which cost the person may start a run alone; 0 where nothing is said."""
        own = self.people.get(person.id)
        return own if own is not None else self.start_alone_below.get(person.role, 0.0)

    @property
    def approval_expires(self) -> timedelta:
        """Return how long an approval waits."""
        return timedelta(hours=self.approval_expires_hours)


@dataclass(frozen=True)
class Right:
    """Whether a person may do something now; if not, why, and who could."""

    allowed: bool
    why: str = ""


@dataclass(frozen=True)
class RunRights:
    """What one person may do with one run now."""

    cancel: Right
    approve: Right
    reject: Right
    rerun: Right
    promote: Right  # to see its plan; what may be started is decided on that


YES = Right(allowed=True)


def no(why: str) -> Right:
    """Return a refusal with its reason."""
    return Right(allowed=False, why=why)


def insist(right: Right) -> None:
    """Raise `ForbiddenError` with the reason where there is no right."""
    if not right.allowed:
        raise ForbiddenError(right.why)


def roles_in_words(roles: tuple[Role, ...]) -> str:
    """Return e.g. `an approver or an admin`; what to say where nobody may."""
    words = [f"an {role}" if role.value[0] in "aeiou" else f"a {role}" for role in roles]
    return " or ".join(words) if words else "nobody (the policy file names no role)"


def why_approval(
    policy: Policy, person: Person, plan: Plan, limit: float | None, *, unattended: bool = False
) -> str | None:
    """Return why somebody else must agree before the person's run starts; None if it may start.

    `unattended`: a commit or a schedule asks in the person's name, who may not be looking.
    """
    most, alone = ceiling(plan.cost_high, limit), policy.limit_of(person)
    money = f"{plan.currency} {most:.2f}"
    if unattended and most > policy.start_unattended_below:
        return (
            f"It may cost up to {money}, and runs that nobody asks for in person start alone up "
            f"to {plan.currency} {policy.start_unattended_below:.2f}."
        )
    if most <= alone:
        return None
    return (
        f"It may cost up to {money}, and {person.name} ({person.role}) may start runs of up to "
        f"{plan.currency} {alone:.2f} alone."
    )


def never(policy: Policy, plan: Plan, limit: float | None) -> str | None:
    """Return why nobody may start this at all; None if somebody may."""
    most = ceiling(plan.cost_high, limit)
    if most <= policy.never_above:
        return None
    return (
        f"This run may cost up to {plan.currency} {most:.2f}; nobody may start one above "
        f"{plan.currency} {policy.never_above:.2f}. Use fewer steps or set a cost limit, "
        f"for example `budget={policy.never_above:.0f}`."
    )


def right_to_decide(
    policy: Policy, person: Person, asked: Run | Promotion | Sweep, now: datetime
) -> Right:
    """Return whether the person may approve or reject what is asked now (four eyes)."""
    what, approval = _word(asked), asked.wish.approval
    if approval is None:
        return no(f"This {what} needs nobody's approval.")
    if approval.decision is not None:
        verb = "approved" if approval.decision.approved else "rejected"
        return no(f"{approval.decision.by.name} has {verb} it already.")
    if now >= approval.expires_at:
        return no(f"The approval has expired; ask for the {what} again.")
    if not asked.status.awaits_approval:
        return no(f"The {what} is {asked.status.replace('_', ' ')}; there is nothing to decide.")
    if person.is_same(asked.requester):
        return no(
            f"You asked for this {what}, so somebody else decides: "
            f"{roles_in_words(policy.approvers)} can."
        )
    if person.role not in policy.approvers:
        mine, theirs = roles_in_words((person.role,)), roles_in_words(policy.approvers)
        return no(f"You are {mine}; {theirs} can.")
    return YES


def right_to_cancel(policy: Policy, person: Person, run: Run) -> Right:
    """Return whether the person may end the run early."""
    if run.status.is_final:
        return no(f"The run is over ({run.status}).")
    if run.wish.cancel is not None:
        return no("It is being stopped already.")
    return right_of_requester(policy, person, run, "cancel it")


def right_of_requester(
    policy: Policy, person: Person, asked: Run | Promotion | Sweep, verb: str
) -> Right:
    """Return whether the person asked for it, or may end what others asked for."""
    if person.is_same(asked.requester) or person.role in policy.cancel_others:
        return YES
    return no(
        f"{asked.requester.name} asked for this {_word(asked)}; only they or "
        f"{roles_in_words(policy.cancel_others)} can {verb}."
    )


def run_rights(policy: Policy, person: Person, run: Run, now: datetime) -> RunRights:
    """Return all that the person may do with the run now."""
    decide = right_to_decide(policy, person, run, now)
    return RunRights(
        cancel=right_to_cancel(policy, person, run),
        approve=decide,
        reject=decide,
        rerun=YES,
        promote=YES,
    )


def refusal_to_start(policy: Policy, run: Run, spec_sha256: str) -> str | None:
    """Return why the run must not be started after all; checked just before the pipeline.

    `spec_sha256` is computed anew from the stored spec: what runs is what was approved.
    """
    if spec_sha256 != run.spec_sha256:
        return "The stored specification is not the one that was asked for."
    limit = run.spec.budget.cost
    if (why := never(policy, run.plan, limit)) is not None:
        return why
    why = why_approval(policy, run.requester, run.plan, limit, unattended=run.is_unattended)
    return None if why is None else lack_of_consent(run, spec_sha256, why)


def lack_of_consent(asked: Run | Promotion, sha256: str, why: str) -> str | None:
    """Return why the consent that is needed, `why`, is not there for what has this hash."""
    approval = asked.wish.approval
    if approval is None or approval.decision is None or not approval.decision.approved:
        return f"{why} Nobody has agreed."
    if approval.spec_sha256 != sha256:
        verb = "run" if isinstance(asked, Run) else "be served"
        return f"What was approved is not what would {verb}."
    if approval.decision.by.is_same(asked.requester):
        return "The requester cannot be the approver."
    return None


def rights_in_words(policy: Policy, person: Person) -> tuple[str, ...]:
    """Return what the person may do, as sentences."""
    money = f"{policy.currency} {policy.limit_of(person):.2f}"
    said = [f"Start runs of up to {money} alone; above that another person must agree."]
    if person.role in policy.approvers:
        said.append("Approve or reject other people's runs.")
    if person.role in policy.cancel_others:
        said.append("Cancel anybody's run.")
    else:
        said.append("Cancel your own runs.")
    return tuple(said)


def _word(asked: Run | Promotion | Sweep) -> str:
    if isinstance(asked, Sweep):
        return "sweep"
    return "run" if isinstance(asked, Run) else "promotion"
