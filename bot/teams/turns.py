"""Take a verified activity to the core, and its reply to the thread or into the answer."""

import contextlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.chat.turn import Actor, Conversation, Reply, Turn
from bot.domain.message import Message, MessageState
from bot.domain.people import Thread, ThreadKind
from bot.domain.posts import Post, TextPost
from bot.errors import BotError, MalformedError
from bot.teams import activity, answers, extension
from bot.teams.posting import fitted
from bot.teams.sentences import sentence
from bot.teams.surroundings import OUTBOX, Surroundings

log = logging.getLogger(__name__)

_NO_ACCOUNT = (
    "I cannot tell which directory account you use here, so I may not act for you. "
    "Write to me from your work account, in a team, a group chat or a personal chat."
)


@dataclass(frozen=True)
class InvokeAnswer:
    """What an invoke is answered with: the HTTP status and the JSON body, if any."""

    status: int
    body: Mapping[str, Any] | None = None


class Turns:
    """Handles activities that were let in.

    `keeps_card`: answer a click always with a card and say the rest in the thread. The Playground
    (0.2.28) draws whatever an Action.Execute is answered with as the card, so a message or an error
    would leave an empty one. `shares`: answers searches and links; without it they are refused.
    """

    def __init__(
        self,
        conversation: Conversation,
        around: Surroundings,
        *,
        keeps_card: bool = False,
        shares: extension.Extension | None = None,
    ) -> None:
        self._conversation = conversation
        self._around = around
        self._keeps_card = keeps_card
        self._shares = shares

    async def take(self, raw: activity.Activity, tenant: str) -> InvokeAnswer | None:
        """Handle one activity; only an invoke is answered with something."""
        if raw["type"] == "invoke":
            return await self._invoke(raw, tenant)
        if raw["type"] == "message":
            await self._message(raw, tenant)
        else:
            await self._news(raw, tenant)
        return None

    async def _news(self, raw: activity.Activity, tenant: str) -> None:
        is_here = activity.arrival(raw)
        if is_here is None:
            log.debug("nothing to do for an activity of type %s", raw["type"])
            return
        thread = activity.thread(raw, tenant)
        if is_here:
            await self._conversation.joined(thread)
        else:
            await self._conversation.left(thread)

    async def _message(self, raw: activity.Activity, tenant: str) -> None:
        thread = activity.thread(raw, tenant)
        actor = activity.actor(raw, tenant)
        if actor is None:
            stranger = activity.turn(raw, Actor("", tenant, ""), thread)
            await self._add(thread, f"{stranger.key}:refusal", TextPost(_NO_ACCOUNT, "warning"))
            return
        turn = activity.turn(raw, actor, thread)
        try:
            reply = await self._conversation.handle(turn)
            await self._tell(turn, reply)
        except Exception as error:  # noqa: BLE001 - the boundary: the person gets a sentence
            await self._say_now(thread, sentence(error))

    async def _invoke(self, raw: activity.Activity, tenant: str) -> InvokeAnswer:
        if self._shares is not None and raw.get("name") in extension.NAMES:
            return await self._share(self._shares, raw, tenant)
        if raw.get("name") != "adaptiveCard/action":
            return InvokeAnswer(501)
        thread = activity.thread(raw, tenant)
        actor = activity.actor(raw, tenant)
        if actor is None:
            return InvokeAnswer(200, answers.error(403, "no_account", _NO_ACCOUNT))
        turn = activity.turn(raw, actor, thread)
        if not turn.action:
            text = "The click carries no data; open the newest card and try again."
            return InvokeAnswer(200, answers.error(400, MalformedError.code, text))
        try:
            reply = await self._conversation.handle(turn)
            return InvokeAnswer(200, await self._answer(turn, reply))
        except Exception as error:  # noqa: BLE001 - the boundary: the person gets a sentence
            return InvokeAnswer(200, await self._failure(turn, error))

    async def _share(
        self, shares: extension.Extension, raw: activity.Activity, tenant: str
    ) -> InvokeAnswer:
        actor = activity.actor(raw, tenant)
        if actor is None:
            return InvokeAnswer(200, answers.hint(_NO_ACCOUNT))
        try:
            return InvokeAnswer(200, await shares.answer(raw, actor))
        except Exception as error:  # noqa: BLE001 - the boundary: the person gets a sentence
            return InvokeAnswer(200, answers.hint(sentence(error)))

    async def _answer(self, turn: Turn, reply: Reply) -> dict[str, Any]:
        shown = await self._shown(turn)
        if reply.replace is not None:
            # The answer reaches only the one who clicked; the edit reaches everybody.
            await self._tell(turn, reply)
            return self._card(reply.replace)
        if shown is not None and self._must_keep_card(turn):
            await self._tell(turn, reply)
            return self._card(shown.post)
        return answers.message(reply.notice or "Done.")

    async def _failure(self, turn: Turn, error: Exception) -> dict[str, Any]:
        text = sentence(error)
        if self._must_keep_card(turn):
            with contextlib.suppress(BotError):  # reading may still work where writing does not
                shown = await self._shown(turn)
                if shown is not None:
                    await self._say_now(turn.thread, text)
                    return self._card(shown.post)
        status = error.status if isinstance(error, BotError) else 500
        code = error.code if isinstance(error, BotError) else "bug"
        return answers.error(status, code, text)

    def _must_keep_card(self, turn: Turn) -> bool:
        return self._keeps_card and turn.thread.kind is not ThreadKind.CONSOLE

    def _card(self, post: Post) -> dict[str, Any]:
        return answers.card(fitted(post, self._around.draw).body)

    async def _tell(self, turn: Turn, reply: Reply) -> None:
        """Say a reply in the thread; a card in its new form says what the notice would."""
        if reply.replace is not None:
            await self._replace(turn, reply.replace)
        elif reply.notice:
            await self._add(turn.thread, f"{turn.key}:notice", TextPost(reply.notice))

    async def _replace(self, turn: Turn, post: Post) -> None:
        shown = await self._shown(turn)
        if shown is None:
            await self._add(turn.thread, f"{turn.key}:replace", post)
        else:
            await self._around.store.put_post(shown.key, post)
            self._around.bell.ring(OUTBOX)

    async def _shown(self, turn: Turn) -> Message | None:
        if turn.shown_id is None:
            return None
        # A card at the top of a channel was posted to the channel, and clicked in its own thread.
        for thread_id in dict.fromkeys((turn.thread.id, turn.thread.id.partition(";")[0])):
            found = await self._around.store.message_shown_as(thread_id, turn.shown_id)
            if found is not None:
                return found
        return None

    async def _add(self, thread: Thread, key: str, post: Post) -> None:
        message = Message(key, thread, post, MessageState.PENDING, self._around.clock.now())
        if await self._around.store.add_message(message):
            self._around.bell.ring(OUTBOX)

    async def _say_now(self, thread: Thread, text: str) -> None:
        """Say it past the outbox: this is for when nothing can be stored."""
        try:
            await self._around.channel.send(thread, TextPost(text, "attention"))
        except BotError as error:
            log.warning("a refusal could not be said: %s", error.code)
