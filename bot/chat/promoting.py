"""`promote`, `models`, `undeploy`, and what else chat says about a promotion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.chat.changes import LATEST, read_changes
from bot.chat.turn import Turn
from bot.domain.people import Person
from bot.domain.posts import Post, TextPost
from bot.domain.promotion import Promotion, PromotionStatus
from bot.domain.promotion_posts import ModelsPost, plan_post
from bot.domain.run import RunStatus, Source
from bot.errors import InputError
from bot.ports import RunQuery
from bot.service import Service

EXAMPLE = "promote last as assistant hours=8"
LISTED = 12
STARTED = "`{model}` is on its way to `{endpoint}`."
ASKED = "`{model}` waits for another person to agree before it is served."
ALREADY = "It is started already: `{promotion}` is {status}."
STOPPING = "`{promotion}` is being stopped; what is live stays."
STOPPED = "`{promotion}` is stopped."
UNDEPLOYING = "`{endpoint}` is being undeployed."
SURE = "End `{endpoint}` for good? Whoever calls it gets errors from then on. The model stays."
APPROVED = "You agreed to `{promotion}`; it is on its way."
REJECTED = "You rejected `{promotion}`; {requester} is told."
NO_RUN = "You have no run that succeeded. Name one: `{example}`."
NOT_WHICH = "Say which endpoint, for example `undeploy assistant`. `models` lists what is served."
WHICH = "Several endpoints are served; name one: {endpoints}."
NAMES = {"name": "model", "as": "model", "sku": "machine", "time": "hours"}


@dataclass(frozen=True)
class Promote:
    """Ask to serve a run's model; without a reference one's newest that succeeded."""

    reference: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Models:
    """List registered versions, of one model or of all, and what is served."""

    model: str | None = None


@dataclass(frozen=True)
class Undeploy:
    """Wish that an endpoint ends; without a name the only one there is."""

    endpoint: str | None = None
    reason: str = ""


PromotionCommand = Promote | Models | Undeploy


def parse_promote(words: Sequence[str]) -> Promote:
    """Read `promote <run> [as <name>] [key=value ...]`. Raises `InputError` with an example."""
    rest, reference = list(words), None
    if rest and "=" not in rest[0] and rest[0].lower() != "as":
        reference = rest.pop(0).strip("`")
    options: dict[str, str] = {}
    for key, mark in (("model", "as"), ("endpoint", "to")):
        place = next((at for at, word in enumerate(rest) if word.lower() == mark), None)
        if place is not None:
            if place + 1 >= len(rest):
                raise InputError(f"Say a name after `{mark}`, for example `{EXAMPLE}`.")
            options[key] = rest[place + 1].strip("`")
            del rest[place : place + 2]
    for name, value in read_changes(rest, "promote last").items():
        key = NAMES.get(name, name)
        if key in options:
            raise InputError(f"`{key}` stands there twice ({options[key]} and {value}); keep one.")
        options[key] = value
    newest = reference is None or reference.lower() in LATEST
    return Promote(None if newest else reference, options)


def parse_models(words: Sequence[str]) -> Models:
    """Read `models [name]`."""
    if len(words) > 1:
        raise InputError("`models` takes one name, for example `models assistant`.")
    return Models(words[0].strip("`") if words else None)


def parse_undeploy(words: Sequence[str]) -> Undeploy:
    """Read `undeploy [endpoint] [why]`."""
    return Undeploy(words[0].strip("`") if words else None, " ".join(words[1:]))


async def answer_promotion(
    service: Service, person: Person, turn: Turn, command: PromotionCommand
) -> Post:
    """Return what to say to the command."""
    match command:
        case Promote():
            reference = command.reference or await _newest(service, person)
            return await plan(service, person, turn, reference, command.options)
        case Models():
            return await models(service, command.model)
        case Undeploy():
            return await _undeploy(service, person, command)


async def plan(
    service: Service, person: Person, turn: Turn, reference: str, options: Mapping[str, str]
) -> Post:
    """Return the plan card for a run's model."""
    run = await service.find(reference)
    planned = await service.promotions.plan(
        person, run, options, nonce=turn.key, thread=turn.thread
    )
    return plan_post(planned, service.promotions.until(planned))


async def models(service: Service, name: str | None) -> Post:
    """Return the list of models."""
    versions, endpoints = await service.promotions.models(name)
    return ModelsPost(tuple(versions[:LISTED]), tuple(endpoints), len(versions))


def stopped(promotion: Promotion) -> str:
    """Return what to say of one that is asked to stop."""
    said = STOPPED if promotion.status.is_final else STOPPING
    return said.format(promotion=promotion.id)


def started(promotion: Promotion, *, is_new: bool) -> str:
    """Return what to say of one that was started now or before."""
    if not is_new:
        status = promotion.status.replace("_", " ")
        return ALREADY.format(promotion=promotion.id, status=status)
    said = ASKED if promotion.status is PromotionStatus.AWAITING_APPROVAL else STARTED
    return said.format(model=promotion.model, endpoint=promotion.endpoint)


async def _newest(service: Service, person: Person) -> str:
    good = frozenset({RunStatus.SUCCEEDED})
    page = await service.runs(RunQuery(statuses=good, requester_id=person.id, limit=1))
    if not page.runs:
        raise InputError(NO_RUN.format(example="promote run-20260101-abc234"))
    return page.runs[0].id


async def _undeploy(service: Service, person: Person, command: Undeploy) -> Post:
    endpoint = command.endpoint or await _only(service)
    promotion = await service.promotions.serving(endpoint)
    promotion = await service.promotions.undeploy(person, promotion.id, command.reason, Source.CHAT)
    return TextPost(UNDEPLOYING.format(endpoint=promotion.endpoint))


async def _only(service: Service) -> str:
    _, endpoints = await service.promotions.models()
    if not endpoints:
        raise InputError(NOT_WHICH)
    if len(endpoints) > 1:
        names = ", ".join(f"`{each.name}`" for each in endpoints)
        raise InputError(WHICH.format(endpoints=names))
    return endpoints[0].name
