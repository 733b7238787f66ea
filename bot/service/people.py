"""Who speaks: from what a channel vouches for to a person with a role."""

from collections.abc import Sequence

from bot.domain.people import Actor, Person
from bot.errors import StrangerError
from bot.ports.directory import Directory


class People:
    """Looks people up. `sign_in_url` is empty where a file says who there is."""

    def __init__(self, directory: Directory, sign_in_url: str) -> None:
        self._directory, self._sign_in_url = directory, sign_in_url

    async def everybody(self) -> Sequence[Person]:
        """Return everybody who may use the system now."""
        return await self._directory.everybody()

    async def known(self, actor: Actor) -> Person:
        """Return who the actor is to us. Raises `StrangerError` for anybody unknown."""
        person = await self._directory.find(actor.id, actor.tenant)
        if person is None:
            raise StrangerError(self._stranger(actor), self._sign_in_url)
        return person

    def _stranger(self, actor: Actor) -> str:
        if self._sign_in_url:
            return (
                "I do not know which role you have, or it is too long since you signed in. "
                f"Sign in at {self._sign_in_url} and say it again."
            )
        return (
            f"I do not know you. Ask an admin to add your id {actor.id} (tenant {actor.tenant}) "
            "to the people file."
        )
