"""Microsoft-hosted agents: how many runs may go at once, and what a run waits for."""

import asyncio
from dataclasses import dataclass, field

NO_GRANT = (
    "No hosted parallelism has been purchased or granted. To request a free parallelism grant, "
    "please fill out the following form https://aka.ms/azpipelines-parallelism-request"
)


class NoGrantError(Exception):
    """The organisation has no hosted parallelism at all: a job fails at once."""


def in_line(position: int) -> str:
    return (
        "The agent request is not running because all potential agents are running other "
        f"requests. Current position in queue: {position}"
    )


@dataclass
class Pool:
    """Agents of the hosted pool. `parallel` 0: nobody was granted any; `delay_s` before each."""

    parallel: int = 10
    delay_s: float = 0.0
    is_paused: bool = False
    line: list["Seat"] = field(default_factory=list)
    busy: int = 0

    def pass_on(self) -> None:
        """Give what is free to those who wait, first come first served."""
        while self.line and not self.is_paused:
            if self.parallel and self.busy >= self.parallel:
                return
            seat = self.line.pop(0)
            if self.parallel == 0:
                seat.ready.set_exception(NoGrantError(NO_GRANT))
            else:
                self.busy += 1
                seat.is_held = True
                seat.ready.set_result(None)


@dataclass(eq=False)
class Seat:
    """One run's agent: taken, given back while a check is open, and taken again."""

    pool: Pool
    is_held: bool = False
    ready: "asyncio.Future[None]" = field(init=False)

    async def take(self) -> None:
        """Wait for an agent; raises NoGrantError."""
        if self.is_held:
            return
        await asyncio.sleep(self.pool.delay_s)
        self.ready = asyncio.get_running_loop().create_future()
        self.pool.line.append(self)
        self.pool.pass_on()
        try:
            await self.ready
        finally:
            if self in self.pool.line:
                self.pool.line.remove(self)

    def give(self) -> None:
        """Let the next have it."""
        if self.is_held:
            self.is_held = False
            self.pool.busy -= 1
            self.pool.pass_on()
