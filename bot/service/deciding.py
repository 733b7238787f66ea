"""Answers to the question of a run or of a promotion: once, where it was asked, with a reason."""

import secrets
from typing import TypeVar

from bot.domain.people import Person, Thread
from bot.domain.promotion import Promotion
from bot.domain.run import Run
from bot.domain.sweep import Sweep
from bot.errors import ConflictError, FieldFault, ForbiddenError, InputError

Asked = TypeVar("Asked", Run, Promotion)


def reason_for_no(reason: str) -> str:
    """Return the reason, trimmed. Raises `InputError` where there is none."""
    if not reason.strip():
        raise InputError(
            "Say why, so that the requester knows what to change.",
            (FieldFault("reason", "a reason is needed"),),
        )
    return reason.strip()


def is_repeated(asked: Run | Promotion | Sweep, person: Person, *, approved: bool) -> bool:
    """Return whether the person has given this answer before: the same click, delivered again."""
    made = asked.wish.approval.decision if asked.wish.approval else None
    return made is not None and made.by.is_same(person) and made.approved is approved


def refuse_stale_card(asked: Run | Promotion, key: str | None) -> None:
    """Raise `ConflictError` for a card of another question; None: it was answered without one."""
    approval = asked.wish.approval
    if key is not None and (approval is None or approval.key != key):
        raise ConflictError("This card belongs to no open question any more.")


def asked_here(asked: Asked | None, key: str, thread: Thread) -> Asked:
    """Return what a card asks for; the card counts only where it was sent."""
    approval = asked.wish.approval if asked else None
    if asked is None or approval is None or not secrets.compare_digest(approval.key, key):
        raise ConflictError("This card belongs to no open question.")
    if not asked.threads or asked.threads[0].id != thread.id:
        raise ForbiddenError("This card was not sent to this conversation.")
    return asked
