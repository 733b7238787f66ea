"""The loop that keeps schedules: it looks at the clock, and asks for the runs that are due."""

import logging

from bot.errors import BotError
from bot.ports import Clock
from bot.service.schedules import Schedules

log = logging.getLogger(__name__)

PAUSE_S = 20.0  # a slot is a minute long; nobody waits for a nightly run by the second


class Scheduler:
    """Keeps every slot once; what fails is looked at again after the next pause."""

    def __init__(self, schedules: Schedules, clock: Clock, pause_s: float = PAUSE_S) -> None:
        self._schedules, self._clock, self._pause_s = schedules, clock, pause_s
        self.trouble = ""

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self._look()
            await self._clock.sleep(self._pause_s)

    async def _look(self) -> None:
        try:
            await self._schedules.keep()
        except BotError as error:
            if str(error) != self.trouble:
                log.warning("schedules wait: %s", error)
            self.trouble = str(error)
        except Exception:  # the loop must outlive a bug in one look; the next one starts anew
            log.exception("a look at the schedules failed")
            self.trouble = "The scheduler met a bug; its log has the trace."
        else:
            self.trouble = ""
