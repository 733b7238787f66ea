"""How a sweep changes when people plan, start, decide or cancel; pure, with its trail."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.domain.changing import By
from bot.domain.policy import Policy, never, roles_in_words, why_approval
from bot.domain.reasons import because
from bot.domain.run import Approval, Cancel, Decision, Draft, Run
from bot.domain.sweep import Sweep, SweepPlan, SweepStatus, SweepWish, TrailLine
from bot.domain.sweep_steps import ended
from bot.errors import InputError
from trainer.contract.sweep import SweepSpec


def plan_of_sweep(spec: SweepSpec, drafts: Sequence[Draft], policy: Policy) -> SweepPlan:
    """Return what all trials take together; refuses what nobody may start."""
    plans = [draft.plan for draft in drafts]
    total = replace(
        plans[0],
        cost_low=sum(plan.cost_low for plan in plans),
        cost=sum(plan.cost for plan in plans),
        cost_high=sum(plan.cost_high for plan in plans),
    )
    limit = spec.budget.cost
    if (refusal := never(policy, total, limit)) is not None:
        raise InputError(f"All {len(drafts)} runs together: {refusal}")
    most = total.cost_high if limit is None else min(limit, total.cost_high)
    shas = "".join(draft.spec_sha256 for draft in drafts)
    return SweepPlan(
        cost_low=min(total.cost_low, most),
        cost=min(total.cost, most),
        cost_high=most,
        seconds=sum(plan.seconds for plan in plans) / min(spec.parallel, len(plans)),
        currency=policy.currency,
        sha256=hashlib.sha256(f"{spec.model_dump_json()}{shas}".encode()).hexdigest(),
        approval_why=why_approval(policy, drafts[0].requester, total, limit),
    )


def begun(sweep: Sweep, by: By, policy: Policy, new_key: Callable[[], str]) -> Sweep:
    """Return the sweep that its requester started; it waits for approval if the plan says so."""
    why = sweep.plan.approval_why
    said = f"{by.person.name} asked for {len(sweep.trials)} runs of {sweep.spec.recipe}."
    sweep = replace(_told(sweep, by, said), started_at=by.at)
    if why is None:
        return replace(sweep, status=SweepStatus.RUNNING)
    approval = Approval(
        key=f"{sweep.id}.{new_key()}",
        spec_sha256=sweep.plan.sha256,
        why=why,
        asked_at=by.at,
        expires_at=by.at + policy.approval_expires,
        may_decide=(roles_in_words(policy.approvers),) if policy.approvers else (),
    )
    wish = SweepWish(approval=approval)
    return replace(_told(sweep, by, why), wish=wish, status=SweepStatus.AWAITING_APPROVAL)


def decided(sweep: Sweep, by: By, *, approved: bool, reason: str) -> Sweep:
    """Return the sweep with the decision in it; rights were checked before."""
    approval = sweep.wish.approval
    if approval is None:  # the right to decide implies one
        raise ValueError(f"{sweep.id} has no approval to decide")
    decision = Decision(by=by.person, at=by.at, approved=approved, reason=reason)
    wish = replace(sweep.wish, approval=replace(approval, decision=decision))
    verb = "approved" if approved else "rejected"
    sweep = replace(_told(sweep, by, f"{by.person.name} {verb} it{because(reason)}"), wish=wish)
    if not approved:
        return ended(sweep, SweepStatus.REJECTED, by.at, f"{by.person.name}: {reason}")
    return replace(sweep, status=SweepStatus.RUNNING, started_at=by.at)


def cancelled(sweep: Sweep, by: By, reason: str) -> Sweep:
    """Return the sweep with the wish that it ends; its runs are stopped by the loop."""
    wish = replace(sweep.wish, cancel=Cancel(by=by.person, at=by.at, reason=reason))
    text = f"{by.person.name} asked to stop it{because(reason)}"
    sweep = replace(_told(sweep, by, text), wish=wish)
    if sweep.status in (SweepStatus.PLANNED, SweepStatus.AWAITING_APPROVAL):
        return ended(sweep, SweepStatus.CANCELLED, by.at, "")
    return sweep


def with_consent(run: Run, approval: Approval | None) -> Run:
    """Return a trial's run with the consent that its sweep was given, bound to its own spec."""
    if approval is None:
        return run
    key = f"{run.id}.{approval.key.rpartition('.')[2]}"
    own = replace(approval, key=key, spec_sha256=run.spec_sha256)
    return replace(run, wish=replace(run.wish, approval=own))


def _told(sweep: Sweep, by: By, text: str) -> Sweep:
    line = TrailLine(by.at, by.person, text, by.source)
    return replace(sweep, trail=(*sweep.trail, line))
