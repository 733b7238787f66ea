"""From a recipe and a person's changes to a draft with its plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain.people import Person, Thread
from bot.domain.policy import Policy, never, why_approval
from bot.domain.posts import PlanPost
from bot.domain.run import Difference, Draft, Plan
from bot.errors import FieldFault, InputError
from trainer.contract.estimate import Estimate
from trainer.contract.faults import Fault, SpecError
from trainer.contract.price import cost_of
from trainer.contract.recipe import (
    ALIASES,
    Recipe,
    differences,
    expand,
    find_recipe,
    recipes,
)
from trainer.contract.spec import RunSpec, spec_hash

LONGEST_H = 24.0 * 90  # the longest time limit that a spec can hold
SHORT = {place: alias for alias, place in ALIASES.items()}


@dataclass(frozen=True)
class Asked:
    """A request for a plan, as it came in."""

    person: Person
    thread: Thread | None
    nonce: str
    changes: Mapping[str, Any]
    run_id: str  # minted with the request, used if it becomes a run
    at: datetime
    is_unattended: bool = False
    sweep: str | None = None


def spec_from(recipe_name: str, changes: Mapping[str, Any]) -> RunSpec:
    """Return the recipe's spec with the changes; empty text means "as the recipe has it".

    Raises `InputError` whose faults name each key as it was typed.
    """
    try:
        return expand(find_recipe(recipe_name), without_blanks(changes))
    except SpecError as error:
        raise _input_error(error, changes) from error


def spec_like(spec: RunSpec, changes: Mapping[str, Any]) -> RunSpec:
    """Return an earlier spec with the changes; raises as `spec_from`."""
    earlier = Recipe(name=spec.recipe, title="", description="", main=(), spec=spec)
    try:
        return expand(earlier, without_blanks(changes))
    except SpecError as error:
        raise _input_error(error, changes) from error


def with_time_limit(spec: RunSpec, policy: Policy) -> RunSpec:
    """Return the spec with its cost limit as a time limit too, which the trainer itself keeps.

    So the limit holds while the bot is down. A shorter time limit of the person's stays.
    """
    hours = _hours_for_cost(spec, policy)
    if hours is None or (spec.budget.hours or hours) < hours:
        return spec
    return _with_hours(spec, hours)


def with_machine(spec: RunSpec, changes: Mapping[str, Any], policy: Policy) -> RunSpec:
    """Return the spec on the policy's machine, where nobody chose and the recipe's has no price."""
    chosen = any(ALIASES.get(key, key) == "compute.sku" for key in changes)
    if chosen or policy.price_of(spec.compute) is not None or not policy.default_machine:
        return spec
    compute = spec.compute.model_copy(update={"sku": policy.default_machine})
    return spec.model_copy(update={"compute": compute})


def refuse_machine(spec: RunSpec, machines: frozenset[tuple[str, str]] | None) -> None:
    """Raise `InputError` for a machine and priority that no cluster has; None: all are there."""
    sku, priority = spec.compute.sku, spec.compute.priority
    if machines is None or (sku, priority) in machines:
        return
    others = [f"`priority={p}`" for s, p in sorted(machines) if s == sku]
    if others:
        why = f"there is no cluster of `{sku}` with priority {priority}; write {others[0]}"
        raise InputError(f"{why[0].upper()}{why[1:]}.", (FieldFault("priority", why),))
    known = ", ".join(sorted({f"`{s}`" for s, _ in machines})) or "none"
    why = f"there is no cluster of `{sku}`; there are {known}"
    raise InputError(f"{why[0].upper()}{why[1:]}.", (FieldFault("sku", why),))


def without_time_limit(spec: RunSpec, policy: Policy) -> RunSpec:
    """Return the spec without the time limit that its cost limit made; a person's own stays."""
    hours = _hours_for_cost(spec, policy)
    return _with_hours(spec, None) if hours == spec.budget.hours else spec


def _hours_for_cost(spec: RunSpec, policy: Policy) -> float | None:
    price = (policy.price_of(spec.compute) or 0.0) * spec.compute.nodes
    if spec.budget.cost is None or price == 0.0:
        return None
    return min(round(spec.budget.cost / price, 4) or 0.0001, LONGEST_H)


def _with_hours(spec: RunSpec, hours: float | None) -> RunSpec:
    budget = spec.budget.model_copy(update={"hours": hours})
    return spec.model_copy(update={"budget": budget})


def _input_error(error: SpecError, changes: Mapping[str, Any]) -> InputError:
    faults = tuple(field_fault(fault, changes) for fault in error.faults)
    return InputError(" ".join(in_a_sentence(fault) for fault in faults), faults)


def without_blanks(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the changes less the fields left empty, text trimmed."""
    trimmed = {k: v.strip() if isinstance(v, str) else v for k, v in changes.items()}
    return {k: v for k, v in trimmed.items() if v not in ("", None)}


def field_fault(fault: Fault, changes: Mapping[str, Any]) -> FieldFault:
    """Return the fault under the key that the person used: `lr` rather than `optim.lr`."""
    short = SHORT.get(fault.loc, fault.loc)
    return FieldFault(short if short in changes else fault.loc, fault.msg)


def in_a_sentence(fault: FieldFault) -> str:
    """Return the fault with the key that it is about."""
    text = f"`{fault.loc}`: {fault.msg}" if fault.loc else fault.msg
    return text if text.endswith((".", "?", "!")) else f"{text}."


def plan_of(spec: RunSpec, estimate: Estimate, policy: Policy) -> Plan:
    """Return the estimate with its price and the differences from the recipe."""
    price = policy.price_of(spec.compute)
    if price is None:
        known = ", ".join(f"`{sku}`" for sku in policy.prices) or "none"
        raise InputError(
            f"There is no machine `{spec.compute.sku}` in the price list; there are: {known}.",
            (FieldFault("sku", f"not in the price list ({known})"),),
        )
    nodes = spec.compute.nodes
    return Plan(
        parameters=estimate.parameters,
        trained_parameters=estimate.trained_parameters,
        steps=estimate.steps,
        tokens=estimate.tokens,
        memory_bytes=estimate.memory_bytes,
        seconds_low=estimate.seconds_low,
        seconds=estimate.seconds,
        seconds_high=estimate.seconds_high,
        cost_low=cost_of(estimate.seconds_low, price, nodes),
        cost=cost_of(estimate.seconds, price, nodes),
        cost_high=cost_of(estimate.seconds_high, price, nodes),
        price_per_hour=price,
        currency=policy.currency,
        basis=estimate.basis,
        warnings=estimate.warnings,
        differences=differences_of(spec),
        memory=estimate.memory,
        spread=estimate.spread,
    )


def differences_of(spec: RunSpec) -> tuple[Difference, ...]:
    """Return what is not as the recipe has it; a name and a pinned hash are no difference."""
    recipe = recipes().get(spec.recipe)
    if recipe is None:
        return ()
    quiet = {"name", "data.train.sha256"}
    found = differences(recipe.spec, spec)
    return tuple(Difference(place, *pair) for place, pair in found.items() if place not in quiet)


def changes_of(spec: RunSpec) -> dict[str, Any]:
    """Return what a person would have typed to make the recipe this spec."""
    found = {SHORT.get(d.place, d.place): d.ours for d in differences_of(spec)}
    return {"name": spec.name, **{key: value for key, value in found.items() if value is not None}}


def draft_of(asked: Asked, spec: RunSpec, plan: Plan, policy: Policy) -> Draft:
    """Return the draft, or refuse what nobody may start."""
    refusal = never(policy, plan, spec.budget.cost)
    if refusal is not None:
        raise InputError(refusal)
    return Draft(
        id=asked.run_id,
        nonce=asked.nonce,
        requester=asked.person,
        thread=asked.thread,
        spec=spec,
        spec_sha256=spec_hash(spec),
        plan=plan,
        approval_why=why_approval(
            policy, asked.person, plan, spec.budget.cost, unattended=asked.is_unattended
        ),
        created_at=asked.at,
        changes=without_blanks(asked.changes),
        is_unattended=asked.is_unattended,
        sweep=asked.sweep,
    )


def plan_post(draft: Draft, *, started_by: str | None = None, replaced: bool = False) -> PlanPost:
    """Return the plan card's content."""
    recipe = recipes().get(draft.spec.recipe)
    return PlanPost(
        draft_id=draft.id,
        name=draft.spec.name,
        recipe=draft.spec.recipe,
        recipe_title=recipe.title if recipe else draft.spec.recipe,
        method=method_in_words(draft.spec),
        data=draft.spec.data.in_words,
        machine=draft.spec.compute.sku,
        requester=draft.requester.name,
        plan=draft.plan,
        approval_why=draft.approval_why,
        state="started" if started_by else "replaced" if replaced else "open",
        started_by=started_by,
    )


# What a method learns from, where it is not text or answers alone.
PREFERENCES = {
    "dpo": "preferences between answers (DPO)",
    "kto": "judged answers (KTO)",
}


def method_in_words(spec: RunSpec) -> str:
    """Return e.g. `LoRA fine-tuning of run:run-20261123-a2b3c4`."""
    base = f" of {spec.model.source}" if spec.model.source else " from scratch"
    if spec.method == "pretrain":
        return f"Pretraining{base}"
    kind = "LoRA fine-tuning" if spec.tuning.kind == "lora" else "Fine-tuning"
    by = f" by {PREFERENCES[spec.method]}" if spec.method in PREFERENCES else ""
    return f"{kind}{base}{by}"
