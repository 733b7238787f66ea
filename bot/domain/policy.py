"""Who may do what, at which cost, and with whose consent; default deny."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.cost import ceiling
from bot.domain.people import Person, Role
from bot.domain.promotion_limits import PromotionLimits
from bot.domain.run import Plan, Run, RunStatus
from trainer.contract.spec import Compute

Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]


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
        own = self.prices.get(f"{compute.sku}/{compute.priority}")
        return own if own is not None else self.prices.get(compute.sku)

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


YES = Right(allowed=True)


def no(why: str) -> Right:
    """Return a refusal with its reason."""
    return Right(allowed=False, why=why)


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


def right_to_decide(policy: Policy, person: Person, run: Run, now: datetime) -> Right:
    """Return whether the person may approve or reject the run now (four eyes)."""
    approval = run.wish.approval
    if approval is None:
        return no("This run needs nobody's approval.")
    if approval.decision is not None:
        verb = "approved" if approval.decision.approved else "rejected"
        return no(f"{approval.decision.by.name} has {verb} it already.")
    if now >= approval.expires_at:
        return no("The approval has expired; ask for the run again.")
    if run.status is not RunStatus.AWAITING_APPROVAL:
        return no(f"The run is {run.status.replace('_', ' ')}; there is nothing to decide.")
    if person.is_same(run.requester):
        return no(
            f"You asked for this run, so somebody else decides: "
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
    if person.is_same(run.requester) or person.role in policy.cancel_others:
        return YES
    return no(
        f"{run.requester.name} asked for this run; only they or "
        f"{roles_in_words(policy.cancel_others)} can cancel it."
    )


def run_rights(policy: Policy, person: Person, run: Run, now: datetime) -> RunRights:
    """Return all that the person may do with the run now."""
    decide = right_to_decide(policy, person, run, now)
    return RunRights(
        cancel=right_to_cancel(policy, person, run), approve=decide, reject=decide, rerun=YES
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
    if why is None:
        return None
    approval = run.wish.approval
    if approval is None or approval.decision is None or not approval.decision.approved:
        return f"{why} Nobody has agreed."
    if approval.spec_sha256 != spec_sha256:
        return "What was approved is not what would run."
    if approval.decision.by.is_same(run.requester):
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
