"""The message extension: search for runs, and unfold links to them; each answered within the turn.

https://learn.microsoft.com/microsoftteams/platform/messaging-extensions/how-to/search-commands/respond-to-search
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from bot.cards.shared import Shared
from bot.domain.people import Actor
from bot.domain.view import RunView
from bot.errors import BotError
from bot.teams import activity, answers

QUERY = "composeExtension/query"
LINK = "composeExtension/queryLink"
NAMES = frozenset({QUERY, LINK})
# The parameter's name in manifests/teams/manifest.json.
PARAMETER = "query"
_PREVIEW = "application/vnd.microsoft.card.thumbnail"


class Finding(Protocol):
    """What the core offers to share."""

    async def matching(self, actor: Actor, text: str) -> Sequence[RunView]:
        """Return the runs that match, newest first."""

    async def one(self, actor: Actor, run_id: str) -> RunView:
        """Return one run."""


class Extension:
    """Answers the two invokes. `draw` makes the card, `run_at` reads the run in a link of ours."""

    def __init__(
        self,
        finding: Finding,
        draw: Callable[[RunView], Shared],
        run_at: Callable[[str], str | None],
    ) -> None:
        self._finding, self._draw, self._run_at = finding, draw, run_at

    async def answer(self, raw: activity.Activity, actor: Actor) -> dict[str, Any]:
        """Return the invoke's answer; why not is a line in the box, a link just stays a link."""
        if raw.get("name") == LINK:
            return await self._unfold(activity.link(raw), actor)
        text, skip = activity.search(raw, PARAMETER)
        if skip:
            return answers.results([])  # everything is on the first page
        try:
            runs = await self._finding.matching(actor, text)
        except BotError as error:
            if error.is_bug:
                raise
            return answers.hint(str(error))
        if not runs:
            return answers.hint("No run matches that.")
        return answers.results([_attachment(self._draw(run)) for run in runs])

    async def _unfold(self, url: str, actor: Actor) -> dict[str, Any]:
        run_id = self._run_at(url)
        try:
            runs = [await self._finding.one(actor, run_id)] if run_id else []
        except BotError as error:
            if error.is_bug:
                raise
            runs = []
        return answers.results([_attachment(self._draw(run)) for run in runs])


def _attachment(shared: Shared) -> dict[str, Any]:
    preview = {"title": shared.title, "text": shared.text}
    return {
        "contentType": answers.CARD,
        "content": shared.card.body,
        "preview": {"contentType": _PREVIEW, "content": preview},
    }
