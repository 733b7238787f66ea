"""Ask, press Start, wait for the end: what the console does, and what its exit code says."""

import time
from dataclasses import dataclass
from enum import IntEnum

from bot.domain.posts import AlertPost, ApprovalPost, FormPost, PlanPost, Post, RunPost, TextPost
from bot.domain.run import RunStatus
from bot.teams.console.room import Heard, Room, button
from bot.teams.console.screen import Screen

_SETTLED_S = 0.7  # an answer in several messages comes at once
_ANSWER_S = 30.0
_ALERT_S = 15.0  # the card says how it ended before the alert comes, if it can come


class Exit(IntEnum):
    """What the shell is told."""

    DONE = 0
    NOT_SUCCEEDED = 1
    REFUSED = 2
    WAITS_FOR_APPROVAL = 3


@dataclass(frozen=True)
class Ask:
    """What the command line asked for."""

    text: str
    start: bool = False
    wait: bool = False
    timeout_s: float | None = None


class Talk:
    """One question and what follows from it."""

    def __init__(self, room: Room, screen: Screen) -> None:
        self._room = room
        self._screen = screen

    async def ask(self, question: Ask) -> Exit:
        """Say it, show the answer, press Start and wait for the end where that was asked."""
        await self._room.say(question.text)
        answers = await self._answers()
        if not answers:
            self._screen.say("The bot took the message and has said nothing yet; see its log.")
            return Exit.REFUSED
        if any(is_refusal(heard.post) for heard in answers):
            return Exit.REFUSED
        if question.start:
            return await self._start(answers, question)
        return await self._follow(answers, question) if question.wait else Exit.DONE

    async def press_start(self, plan: Heard) -> bool:
        """Press the plan's Start; return whether that started it."""
        data = button(plan.card, "start")
        if data is None:
            self._screen.say("There is nothing to start on this card.")
            return False
        # What starts changes its card; a sentence alone is a refusal.
        refusal = await self._room.press(plan, data)
        if refusal:
            self._screen.say(f"! {refusal}")
        return not refusal

    async def _start(self, answers: list[Heard], question: Ask) -> Exit:
        plan = next((heard for heard in answers if isinstance(heard.post, PlanPost)), None)
        if plan is None:
            self._screen.say("There is no plan to start; say which recipe: `train tiny-sft`.")
            return Exit.REFUSED
        if not await self.press_start(plan):
            return Exit.REFUSED
        assert isinstance(plan.post, PlanPost)  # noqa: S101 - chosen so above
        if question.wait:
            return await self._wait(plan.post.draft_id, question)
        # The run's card is the answer to Start.
        await self._until_shown(plan.post.draft_id)
        return Exit.DONE

    async def _follow(self, answers: list[Heard], question: Ask) -> Exit:
        """Wait for the run that the answer speaks of; the last one, since old news come first."""
        posts = [heard.post for heard in answers if isinstance(heard.post, _OF_RUN)]
        if not posts:
            return Exit.DONE
        run = posts[-1].run
        if run.status.is_final or run.status is RunStatus.AWAITING_APPROVAL:
            return exit_of(run.status)
        return await self._wait(run.id, question)

    async def _answers(self) -> list[Heard]:
        """Return the messages of the answer: all until it is quiet."""
        heard: list[Heard] = []
        while True:
            try:
                one = await self._next(_SETTLED_S if heard else _ANSWER_S)
            except TimeoutError:
                return heard
            if not one.is_edit:
                heard.append(one)

    async def _until_shown(self, run_id: str) -> None:
        while True:
            try:
                one = await self._next(_ANSWER_S)
            except TimeoutError:
                return
            if run_of(one.post) == run_id and not isinstance(one.post, PlanPost):
                return

    async def _wait(self, run_id: str, question: Ask) -> Exit:
        """Show what happens until the run's alert, or until somebody else must agree."""
        ends_at = None if question.timeout_s is None else time.monotonic() + question.timeout_s
        status: RunStatus | None = None
        while True:
            left_s = None if ends_at is None else ends_at - time.monotonic()
            if status is not None and status.is_final:
                left_s = min(_ALERT_S, _ALERT_S if left_s is None else left_s)
            try:
                one = await self._next(left_s)
            except TimeoutError:
                return self._unheard(status, question)
            if run_of(one.post) == run_id and isinstance(one.post, _OF_RUN):
                status = one.post.run.status
                if isinstance(one.post, AlertPost) or status is RunStatus.AWAITING_APPROVAL:
                    return exit_of(status)

    def _unheard(self, status: RunStatus | None, question: Ask) -> Exit:
        if status is not None and status.is_final:
            self._screen.say("The run has ended; its alert did not come. The run's page says why.")
            return exit_of(status)
        self._screen.say(f"Not ended after {question.timeout_s:.0f} s; the run goes on.")
        return Exit.NOT_SUCCEEDED

    async def _next(self, timeout_s: float | None) -> Heard:
        one = await self._room.listen(timeout_s)
        self._screen.show(one, time.monotonic())
        return one


_OF_RUN = RunPost | AlertPost | ApprovalPost


def is_refusal(post: Post) -> bool:
    """Return whether an answer says no: a warning, or a form that names a fault."""
    if isinstance(post, TextPost):
        return post.tone in {"warning", "attention"}
    if isinstance(post, FormPost):
        return bool(post.fault) or any(field.fault for field in post.fields)
    return False


def run_of(post: Post) -> str | None:
    """Return the id of the one run that a post speaks of."""
    if isinstance(post, _OF_RUN):
        return post.run.id
    return post.draft_id if isinstance(post, PlanPost) else None


def exit_of(status: RunStatus) -> Exit:
    """Return what the shell is told of a run that ended or waits for a person."""
    if status is RunStatus.SUCCEEDED:
        return Exit.DONE
    if status is RunStatus.AWAITING_APPROVAL:
        return Exit.WAITS_FOR_APPROVAL
    return Exit.NOT_SUCCEEDED
