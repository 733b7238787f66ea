"""From a request to serve a model to its plan: what would be done, until when, at what cost."""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.diagnosis import judge
from bot.domain.naming import ALPHABET, nearest
from bot.domain.people import Person, Thread
from bot.domain.policy import Policy
from bot.domain.promotion import EndpointSeen, Promotion, PromotionPlan
from bot.domain.promotion_policy import never, why_approval
from bot.domain.run import Run, RunStatus
from bot.errors import FieldFault, InputError
from trainer.contract.faults import NAME_RULE
from trainer.contract.promotion import (
    ENDPOINT_PATTERN,
    MOST_HOURS,
    MOST_INSTANCES,
    PromotionOrder,
    encode_order,
    order_hash,
)
from trainer.contract.spec import NAME_PATTERN

PROMOTION_ID = re.compile(r"promo-\d{8}-[a-z2-7]{6}")
OPTIONS = ("model", "endpoint", "machine", "hours", "instances")
ENDPOINT_RULE = (
    "must begin with a lower-case letter and hold only those, digits and `-`, 3 to 32 in all"
)


@dataclass(frozen=True)
class PromotionAsked:
    """Who asks, where, when, under which id; `options` as they were typed (see OPTIONS)."""

    id: str
    person: Person
    thread: Thread | None
    options: Mapping[str, str]
    now: datetime


@dataclass(frozen=True)
class Planned:
    """What would be done. Nothing is stored of it before somebody presses Start."""

    id: str
    run: Run
    model: str
    endpoint: str
    requester: Person
    thread: Thread | None
    plan: PromotionPlan
    order: str
    approval_why: str | None


@dataclass(frozen=True)
class Around:
    """What else a plan depends on: what serves now, and what is on its way to the same endpoint."""

    endpoints: Sequence[EndpointSeen]
    open: Sequence[Promotion]


def promotion_id(now: datetime, nonce: str) -> str:
    """Return the id that a request of this nonce gets on this day, however often it is read."""
    digest = hashlib.sha256(nonce.encode()).digest()
    return f"promo-{now:%Y%m%d}-{''.join(ALPHABET[byte % 32] for byte in digest[:6])}"


def is_promotion_id(text: str) -> bool:
    """Return whether `text` has the form of a promotion's id."""
    return PROMOTION_ID.fullmatch(text) is not None


def planned(asked: PromotionAsked, run: Run, policy: Policy, around: Around) -> Planned:
    """Return the plan. Raises `InputError` with everything that is wrong with the request."""
    if (why := not_servable(run)) is not None:
        raise InputError(why)
    order = _order(asked, run, policy)
    if (why := _is_taken(asked.id, order.endpoint, around.open)) is not None:
        raise InputError(why, (FieldFault("endpoint", why),))
    plan = _plan(order, run, policy, around)
    if (why := never(policy, plan)) is not None:
        raise InputError(why)
    return Planned(
        id=asked.id,
        run=run,
        model=order.model,
        endpoint=order.endpoint,
        requester=asked.person,
        thread=asked.thread,
        plan=plan,
        order=encode_order(order),
        approval_why=why_approval(policy, asked.person, plan),
    )


def default_endpoint(model: str) -> str:
    """Return the endpoint that a model gets where nobody names one: its name, as Azure allows."""
    name = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
    name = name if name[:1].isalpha() else f"m-{name}"
    return name[:32].rstrip("-").ljust(3, "x")


def not_servable(run: Run) -> str | None:
    """Return in a sentence why the run has no model that could be served; None where it has."""
    if run.status is not RunStatus.SUCCEEDED:
        return (
            f"Only a run that succeeded has a model to serve; `{run.id}` is "
            f"{run.status.replace('_', ' ')}."
        )
    if not run.spec.export.merge:
        return (
            f"The run `{run.id}` left an adapter alone, which cannot be served without its base "
            f"model. `rerun {run.id} export.merge=true` makes a whole one."
        )
    result = run.seen.result
    if result is None or not result.model:
        return f"The run `{run.id}` left no model. `rerun {run.id}` makes one."
    return None


def _order(asked: PromotionAsked, run: Run, policy: Policy) -> PromotionOrder:
    given, faults = dict(asked.options), list[FieldFault]()
    unknown = [key for key in given if key not in OPTIONS]
    for key in unknown:
        near = nearest(key, OPTIONS)
        hint = f"; did you mean `{near}`?" if near else f"; there are {', '.join(OPTIONS)}"
        faults.append(FieldFault(key, f"there is no such setting{hint}"))
    model = given.get("model") or run.spec.name
    if not re.fullmatch(NAME_PATTERN, model):
        faults.append(FieldFault("model", f"{NAME_RULE} (got {model[:60]!r})"))
    endpoint = given.get("endpoint") or default_endpoint(model)
    if not re.fullmatch(ENDPOINT_PATTERN, endpoint):
        faults.append(FieldFault("endpoint", f"{ENDPOINT_RULE} (got {endpoint[:60]!r})"))
    machine, why = _machine(given.get("machine"), policy)
    if why:
        faults.append(FieldFault("machine", why))
    hours = _number(given, "hours", policy.promote.hours, MOST_HOURS, faults)
    instances = _number(given, "instances", 1, MOST_INSTANCES, faults)
    if faults:
        said = "; ".join(f"`{fault.loc}` {fault.msg}" for fault in faults)
        raise InputError(f"It cannot be promoted like this: {said}.", tuple(faults))
    return PromotionOrder(
        key=asked.id,
        run_id=run.id,
        job=run.name,
        model=model,
        model_sha256=run.seen.result.model_sha256 if run.seen.result else "",
        endpoint=endpoint,
        machine=machine,
        instances=round(instances),
        hours=hours,
        lineage=_lineage(run, asked.person),
    )


def _machine(typed: str | None, policy: Policy) -> tuple[str, str]:
    prices = policy.promote.prices
    if not prices:
        return "", "the policy file names no machine that may serve (`promote.prices`)"
    machine = typed or next(iter(prices))
    if machine in prices:
        return machine, ""
    known = ", ".join(f"`{name}`" for name in prices)
    return "", f"{machine[:60]!r} may not serve; there is {known}"


def _number(
    given: Mapping[str, str], key: str, default: float, most: float, faults: list[FieldFault]
) -> float:
    typed = given.get(key) or str(default)
    try:
        value = float(typed)
    except ValueError:
        value = math.nan
    is_whole = key == "hours" or value == round(value) if math.isfinite(value) else False
    if not is_whole or not 0 < value <= most:
        what = "a number" if key == "hours" else "a whole number"
        faults.append(FieldFault(key, f"must be {what} up to {most:g} (got {typed[:20]!r})"))
        return default
    return value


def _lineage(run: Run, person: Person) -> dict[str, str]:
    result = run.seen.result
    known = {
        "krsp.run_id": run.id,
        "krsp.job": run.name,
        "krsp.recipe": run.spec.recipe,
        "krsp.spec_sha256": run.spec_sha256,
        "krsp.data": run.spec.data.in_words,
        # One file's; of several the spec's hash says which they were.
        "krsp.data_file_sha256": "" if run.spec.data.mix else run.spec.data.train.sha256 or "",
        "krsp.base": run.spec.model.source or "",
        "krsp.eval_loss": f"{result.eval_loss:.6g}" if result else "",
        "krsp.eval_perplexity": _figure(result.eval_perplexity) if result else "",
        "krsp.promoted_by": person.id,
    }
    return {key: value for key, value in known.items() if value}


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _is_taken(own: str, endpoint: str, others: Sequence[Promotion]) -> str | None:
    for other in others:
        if other.endpoint == endpoint and other.id != own and not other.status.is_settled:
            return (
                f"`{other.id}` is on its way to the endpoint `{endpoint}` "
                f"({other.status.replace('_', ' ')}). Wait for it, or `cancel {other.id}`."
            )
    return None


def _plan(order: PromotionOrder, run: Run, policy: Policy, around: Around) -> PromotionPlan:
    seen = next((each for each in around.endpoints if each.name == order.endpoint), None)
    live = seen.live if seen else None
    in_switch = order.instances * (2 if live and live.key != order.key else 1)
    return PromotionPlan(
        machine=order.machine,
        instances=order.instances,
        instances_in_switch=in_switch,
        hours=order.hours,
        price_per_hour=policy.promote.prices[order.machine] * order.instances,
        currency=policy.currency,
        model_sha256=order.model_sha256,
        order_sha256=order_hash(order),
        replaces=live.key if live and live.key != order.key else None,
        warnings=_warnings(order, run),
    )


def _warnings(order: PromotionOrder, run: Run) -> tuple[str, ...]:
    verdict = judge(run)
    said: list[str] = []
    if verdict is not None and verdict.reached is False:
        said.append(verdict.text)
    if not order.model_sha256:
        said.append("The run did not note its model's hash, so what is served is not pinned by it.")
    return tuple(said)
