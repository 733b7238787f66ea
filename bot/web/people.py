"""Who is looking: `me`, and signing in as one of the local profile's people."""

from aiohttp import web

from bot.domain.people import Person
from bot.errors import FieldFault, InputError, NotFoundError
from bot.web.endpoint import Call, Web
from bot.web.schema import Me, Nothing, PersonShape, SignIn
from bot.web.sign_in.picked import PickedDoor
from bot.web.wire import json_response


async def get_me(call: Call[Nothing, Nothing]) -> Me:
    """Return who is looking."""
    return await _me(call.world, call.person)


async def sign_in(call: Call[Nothing, SignIn]) -> web.StreamResponse:
    """Act as somebody from now on."""
    door = _picked(call.world)
    people = await call.service.people()
    person = next((p for p in people if p.id == call.body.person_id), None)
    if person is None:
        names = ", ".join(f"{p.name} ({p.id})" for p in people)
        raise InputError(
            f"There is nobody with the id {call.body.person_id!r} here. There are: {names}.",
            (FieldFault("person_id", "nobody has this id"),),
        )
    response = json_response(call.request, await _me(call.world, person))
    door.remember(response, person)
    return response


async def sign_out(call: Call[Nothing, Nothing]) -> web.StreamResponse:
    """Be nobody again."""
    door = _picked(call.world)
    response = json_response(call.request, await _me(call.world, None))
    door.forget(response)
    return response


def _picked(world: Web) -> PickedDoor:
    if not isinstance(world.door, PickedDoor):
        raise NotFoundError("Picking who you are is for the local profile; use /auth/sign-in.")
    return world.door


async def _me(world: Web, person: Person | None) -> Me:
    people = await world.service.people() if world.profile == "local" else ()
    return Me(
        person=shape_of(person) if person else None,
        rights=list(world.service.rights(person)) if person else [],
        profile=world.profile,
        people=[shape_of(p) for p in people],
        notice=world.notice,
        currency=world.service.currency,
    )


def shape_of(person: Person) -> PersonShape:
    """Return the person for the page."""
    return PersonShape(id=person.id, tenant=person.tenant, name=person.name, role=person.role)
