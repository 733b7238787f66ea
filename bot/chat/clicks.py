"""Answers to clicked cards: each button's data says what it means, the server checks the rest."""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.chat import words
from bot.chat.commands import Commands
from bot.chat.grammar import parse
from bot.chat.inputs import read_input
from bot.chat.promotion_clicks import PromotionClicks
from bot.chat.turn import Reply, Turn
from bot.domain.drafting import plan_post
from bot.domain.people import Person
from bot.domain.policy import insist
from bot.domain.posts import ApprovalPost, Post, RunPost, TextPost
from bot.domain.run import Run, Source
from bot.errors import InputError
from bot.service import Service
from trainer.contract.recipe import DEFAULT_RECIPE

Answer = tuple[Reply, Sequence[Post]]
OWN_KEYS = frozenset(
    {"action", "nonce", "recipe", "draft", "run", "approval", "reason", "text", "verb"}
)
MAX_VALUE = 2000  # characters of one input; a form's field needs far less


class Clicks:
    """What each button does."""

    def __init__(self, service: Service, commands: Commands) -> None:
        self._service, self._commands = service, commands
        self._promotions = PromotionClicks(service)
        self._verbs = {
            "form": self._form,
            "plan": self._plan,
            "start": self._start,
            "change": self._change,
            "ask_cancel": self._ask_cancel,
            "cancel": self._cancel,
            "approve": self._approve,
            "reject": self._reject,
            "rerun": self._rerun,
            "status": self._status,
        }

    async def answer(self, turn: Turn) -> Answer:
        """Return the clicked card's new form and what else to say."""
        verb = turn.action.get("action")
        if verb == "say":
            return Reply(), await self._commands.answer(turn, parse(_text(turn.action, "text")))
        if self._promotions.is_meant(turn.action):
            return await self._promotions.answer(await self._service.person(turn.actor), turn)
        if not isinstance(verb, str) or verb not in self._verbs:
            raise InputError(words.BAD_CLICK)
        return await self._verbs[verb](await self._service.person(turn.actor), turn)

    async def _form(self, _person: Person, turn: Turn) -> Answer:
        """Show another recipe's form; of what was typed only the cost limit fits any recipe."""
        recipe = _text(turn.action, "recipe") or DEFAULT_RECIPE
        kept = {k: v for k, v in _typed(turn.action).items() if k == "budget"}
        return Reply(replace=self._commands.form(turn.key, recipe, kept)), ()

    async def _plan(self, person: Person, turn: Turn) -> Answer:
        recipe = _text(turn.action, "recipe") or DEFAULT_RECIPE
        post = await self._commands.plan(person, turn, recipe, _typed(turn.action))
        return Reply(replace=post), ()

    async def _start(self, person: Person, turn: Turn) -> Answer:
        draft_id = _text(turn.action, "draft")
        draft, was_started = await self._service.get_draft(draft_id)
        run = await self._service.start(person, draft_id, Source.CHAT)
        said = words.ASKED if run.wish.approval else words.STARTED
        if was_started:
            said = words.ALREADY_STARTED
        notice = said.format(name=run.spec.name, run=run.id)
        return Reply(plan_post(draft, started_by=person.name), notice), ()

    async def _change(self, _person: Person, turn: Turn) -> Answer:
        draft, was_started = await self._service.get_draft(_text(turn.action, "draft"))
        if was_started:
            raise InputError(words.ALREADY_STARTED.format(run=draft.id))
        form = self._commands.form(turn.key, draft.spec.recipe, draft.changes)
        return Reply(replace=form), ()

    async def _ask_cancel(self, person: Person, turn: Turn) -> Answer:
        """Ask once more in a message of its own: the run's card is edited under the finger."""
        run = await self._service.find(_text(turn.action, "run"))
        insist(self._service.run_rights(person, run).cancel)
        question = words.SURE_TO_CANCEL.format(name=run.spec.name)
        return Reply(), (TextPost(question, "warning", (f"cancel {run.id}",)),)

    async def _cancel(self, person: Person, turn: Turn) -> Answer:
        reason = _text(turn.action, "reason")
        run = await self._service.find(_text(turn.action, "run"))
        run = await self._service.cancel(person, run.id, reason, Source.CHAT)
        said = words.STOPPED if run.status.is_final else words.STOPPING
        return await self._run_card(run, said.format(name=run.spec.name))

    async def _approve(self, person: Person, turn: Turn) -> Answer:
        run = await self._run_of_key(turn)
        key = _text(turn.action, "approval")
        run = await self._service.approve(person, run.id, Source.CHAT, key)
        notice = words.APPROVED.format(name=run.spec.name)
        return Reply(ApprovalPost(await self._service.view(run), ()), notice), ()

    async def _reject(self, person: Person, turn: Turn) -> Answer:
        run = await self._run_of_key(turn)
        key, reason = _text(turn.action, "approval"), _text(turn.action, "reason")
        run = await self._service.reject(person, run.id, reason, Source.CHAT, key)
        notice = words.REJECTED.format(name=run.spec.name, requester=run.requester.name)
        return Reply(ApprovalPost(await self._service.view(run), ()), notice), ()

    async def _run_of_key(self, turn: Turn) -> Run:
        """Return the run whose open question this card asks, in the thread where it was asked."""
        return await self._service.run_asked(_text(turn.action, "approval"), turn.thread)

    async def _rerun(self, person: Person, turn: Turn) -> Answer:
        run = await self._service.find(_text(turn.action, "run"))
        draft = await self._service.rerun(person, run.id, turn.key, turn.thread)
        return Reply(), (plan_post(draft),)

    async def _status(self, _person: Person, turn: Turn) -> Answer:
        run = await self._service.find(_text(turn.action, "run"))
        return await self._run_card(run, "")

    async def _run_card(self, run: Run, notice: str) -> Answer:
        return Reply(RunPost(await self._service.view(run)), notice), ()


def _text(action: Mapping[str, Any], key: str) -> str:
    return read_input(action, key, MAX_VALUE)


def _typed(action: Mapping[str, Any]) -> dict[str, str]:
    """Return the inputs of a form; what the card itself put in is not among them."""
    return {key: _text(action, key) for key in action if key not in OWN_KEYS}
