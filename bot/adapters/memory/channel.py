"""A channel that remembers what each thread shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from typing_extensions import override

from bot.adapters.memory.faults import Faults
from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.errors import BotError
from bot.ports import Channel


@dataclass(frozen=True)
class Shown:
    """A message as its thread shows it now; `edits` counts how often it was replaced."""

    thread: Thread
    activity_id: str
    post: Post
    edits: int = 0


class MemoryChannel(Channel):
    """Keeps `shown` (current messages, oldest first), `sent` and `edited` (all that was said)."""

    def __init__(self) -> None:
        self.shown: dict[str, Shown] = {}
        self.sent: list[Shown] = []
        self.edited: list[Shown] = []
        self._before = Faults()
        self._after = Faults()

    def fail_next(self, *errors: BotError) -> None:
        """Let the next calls fail without the message being taken, one error each."""
        self._before.add(*errors)

    def lose_next(self, *errors: BotError) -> None:
        """Let the next calls fail although the message was taken, one error each."""
        self._after.add(*errors)

    def posts(self, thread_id: str) -> Sequence[Post]:
        """Return what the thread shows now, oldest first."""
        return [shown.post for shown in self.shown.values() if shown.thread.id == thread_id]

    @override
    async def send(self, thread: Thread, post: Post) -> str:
        self._before.strike()
        shown = Shown(thread, f"activity-{len(self.sent) + 1}", post)
        self.shown[shown.activity_id] = shown
        self.sent.append(shown)
        self._after.strike()
        return shown.activity_id

    @override
    async def edit(self, thread: Thread, activity_id: str, post: Post) -> None:
        self._before.strike()
        old = self.shown.get(activity_id, Shown(thread, activity_id, post))
        shown = replace(old, post=post, edits=old.edits + 1)
        self.shown[activity_id] = shown
        self.edited.append(shown)
        self._after.strike()
