"""What every part of the twin gets: time, tokens, log, children, and the clients' environment."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.azure_twin.children import Children
from tests.azure_twin.clock import Clock
from tests.azure_twin.entra.directory import Directory
from tests.azure_twin.entra.tokens import Tokens
from tests.azure_twin.faults import Faults
from tests.azure_twin.requestlog import RequestLog

log = logging.getLogger(__name__)

# A command of the control API: JSON object in, anything JSON out.
Command = Callable[[dict[str, Any]], Awaitable[Any]]
# Who hears of events inside the twin, e.g. Event Grid of a job's end: (type, data).
Listener = Callable[[str, Mapping[str, Any]], None]


class CommandError(Exception):
    """A command of the control API that cannot be done; the text is for the test's author."""


@dataclass
class TwinContext:
    """Shared by all parts.

    `environment` is what a client needs to reach the twin in place of Azure (proxy, authority,
    caches); `environment_of` adds a managed identity. `http` calls loopback addresses only (web
    hooks, deployments). `commands` is the control API: a part adds its own, named `part.verb`.
    """

    folder: Path
    clock: Clock
    tokens: Tokens
    directory: Directory
    log: RequestLog
    faults: Faults
    children: Children
    http: ClientSession
    environment: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)
    # Each takes back what a test ordered from its part: `reset` of the control API calls them.
    resets: list[Callable[[], None]] = field(default_factory=list)
    # Called in order when ports and `environment` are known.
    starters: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    identity_url: str = ""  # of the managed identity endpoints, on loopback
    identity_secret: str = ""
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def environment_of(self, client_id: str) -> dict[str, str]:
        """Return the environment of a process with this managed identity, as on Container Apps."""
        return {
            **self.environment,
            "IDENTITY_ENDPOINT": f"{self.identity_url}/identity/{client_id}",
            "IDENTITY_HEADER": self.identity_secret,
            "AZURE_CLIENT_ID": client_id,
        }

    def publish(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell the listeners that something happened, e.g. `Microsoft....RunCompleted`."""
        for listener in self.listeners:
            listener(kind, data)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that is kept, and whose failure is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a task of the twin failed", exc_info=error)

    async def close(self) -> None:
        """Cancel what runs, and wait for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
