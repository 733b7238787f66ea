"""The console without a question: a prompt that goes on until end of input."""

import asyncio
import threading
import time
from typing import TextIO

from bot.domain.posts import PlanPost
from bot.errors import BotError
from bot.teams.console.room import Heard, Room
from bot.teams.console.screen import Screen
from bot.teams.console.talk import Talk

_HELLO = "Type what you want (`help` lists it), `start` to start the newest plan. Ctrl-D ends."
_LAST_WORDS_S = 1.5  # after the last line: time for its answer


async def converse(room: Room, screen: Screen, talk: Talk, typed: TextIO) -> int:
    """Read lines and say them, and show meanwhile whatever comes."""
    screen.say(_HELLO)
    plans: list[Heard] = []
    listener = asyncio.create_task(_show(room, screen, plans))
    lines = _lines(typed)
    try:
        while (line := await lines.get()) is not None:
            await _say(line, room, screen, talk, plans)
        await asyncio.sleep(_LAST_WORDS_S)
    finally:
        listener.cancel()
        await asyncio.gather(listener, return_exceptions=True)
    return 0


async def _say(line: str, room: Room, screen: Screen, talk: Talk, plans: list[Heard]) -> None:
    try:
        if line == "start" and plans:
            await talk.press_start(plans.pop())
        elif line:
            await room.say(line)
    except BotError as error:
        screen.say(f"! {error}")


async def _show(room: Room, screen: Screen, plans: list[Heard]) -> None:
    while True:
        heard = await room.listen(None)
        screen.show(heard, time.monotonic())
        if isinstance(heard.post, PlanPost) and not heard.is_edit:
            plans.append(heard)


def _lines(typed: TextIO) -> "asyncio.Queue[str | None]":
    """Read lines in a thread that does not keep the process alive; None is the end of input."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def read() -> None:
        for line in typed:
            loop.call_soon_threadsafe(lines.put_nowait, line.strip())
        loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True, name="console input").start()
    return lines
