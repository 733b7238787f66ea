"""Asking a run or job to end: first everything, later also what runs in spite of that."""

import asyncio


class Stop:
    """A request to end. `asked` ends what runs now; `final` also what began after it.

    On Azure steps with `condition: always()` still run after a cancel, for a limited time.
    """

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.final = asyncio.Event()
        self.timed_out = False
        self._timer: asyncio.TimerHandle | None = None

    def ask(self, final_after_s: float) -> None:
        """Ask to end; the second time changes nothing."""
        if self.asked.is_set():
            return
        self.asked.set()
        self._timer = asyncio.get_running_loop().call_later(final_after_s, self.final.set)

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()

    @property
    def for_next(self) -> asyncio.Event:
        """What ends a step that begins now."""
        return self.final if self.asked.is_set() else self.asked

    def spares(self, ends: asyncio.Event) -> bool:
        """Return whether what `ends` will end began although the run was to end already."""
        return ends is self.final
