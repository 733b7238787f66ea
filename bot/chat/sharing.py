"""Runs for somebody who shares them in a conversation that the bot need not be part of."""

from bot.chat.commands import query_of
from bot.chat.grammar import Runs, parse
from bot.domain.people import Actor
from bot.domain.view import RunView
from bot.service import Service

MOST = 25  # Teams asks for as many at once, and people read fewer


class Sharing:
    """Finds what a message extension offers; only for people whom the bot knows."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def matching(self, actor: Actor, text: str) -> tuple[RunView, ...]:
        """Return the newest runs that match; `text` is what one types after `runs`.

        Raises `ForbiddenError` for somebody unknown.
        """
        person = await self._service.person(actor)
        command = parse(f"runs {text}")
        assert isinstance(command, Runs)  # noqa: S101 - the first word says so
        query = query_of(command, person, MOST)
        return await self._service.views((await self._service.runs(query)).runs)

    async def one(self, actor: Actor, run_id: str) -> RunView:
        """Return the run of a link. Raises `ForbiddenError`, `NotFoundError`."""
        await self._service.person(actor)
        return await self._service.view(await self._service.get(run_id))
