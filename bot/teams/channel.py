"""Speak in threads: the connector's REST API on one keep-alive session, without hidden retries."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from typing_extensions import override
from yarl import URL

from bot.domain.people import Thread
from bot.domain.posts import Post
from bot.errors import DeliveryUnknownError, ThreadGoneError, ThrottledError
from bot.ports import Channel, Clock
from bot.teams.activity import is_loopback
from bot.teams.limits import PER_TENANT, PER_THREAD, Meter
from bot.teams.posting import Draw, outgoing
from bot.teams.refusals import Refusal, meaning
from bot.teams.tokens import AppTokens

# Longer waits are the outbox's: it may do something else meanwhile.
_LONGEST_WAIT_S = 5.0
# Servers drop idle connections (Node after 5 s); a POST on a dropped one would be "unknown".
_KEEP_ALIVE_S = 3.0
_MOST_ANSWER_BYTES = 64 * 1024
_MOST_LANES = 2000
_UNREACHABLE_S = 5.0


@dataclass
class _Lane:
    """One thread's turnstile; Teams answers 412 to two operations at once."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    meter: Meter = field(default_factory=lambda: Meter(PER_THREAD))


class TeamsChannel(Channel):
    """Posts to `serviceUrl`; without `tokens` (the local profile) to this machine only."""

    def __init__(
        self,
        draw: Draw,
        clock: Clock,
        *,
        tokens: AppTokens | None = None,
        timeout_s: float = 15.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._draw = draw
        self._clock = clock
        self._tokens = tokens
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 3)
        self._jitter = jitter
        self._session: aiohttp.ClientSession | None = None
        self._lanes: dict[str, _Lane] = {}
        self._tenants: dict[str, Meter] = {}

    @override
    async def send(self, thread: Thread, post: Post) -> str:
        body = outgoing(thread, post, self._draw)
        answer = await self._request("POST", thread, _address(thread), body)
        return _id(answer)

    @override
    async def edit(self, thread: Thread, activity_id: str, post: Post) -> None:
        body = outgoing(thread, post, self._draw) | {"id": activity_id}
        await self._request("PUT", thread, _address(thread, activity_id), body)

    async def close(self) -> None:
        """Close the connections; the channel opens new ones when it is used again."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(self, method: str, thread: Thread, url: URL, body: dict[str, Any]) -> bytes:
        async with self._lane(thread):
            headers = await self._headers(thread)
            return await self._call(method, url, body, headers)

    async def _call(
        self, method: str, url: URL, body: dict[str, Any], headers: dict[str, str]
    ) -> bytes:
        is_edit = method == "PUT"
        try:
            async with self._open().request(method, url, json=body, headers=headers) as response:
                answer = await _beginning(response.content)
                retry_after = response.headers.get("Retry-After")
                status = response.status
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # No connection: nothing was sent.
            raise ThrottledError("The channel cannot be reached.", _UNREACHABLE_S) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            if is_edit:
                raise ThrottledError("The channel did not answer.", _UNREACHABLE_S) from error
            raise DeliveryUnknownError("The channel did not answer.") from error
        if 200 <= status < 300:
            return answer
        if status == 401 and self._tokens is not None:
            self._tokens.forget()
        refusal = Refusal(status, answer, retry_after, is_edit)
        raise meaning(refusal, self._clock.now(), self._jitter())

    async def _headers(self, thread: Thread) -> dict[str, str]:
        if self._tokens is None:
            if not is_loopback(thread.service_url):
                raise ThreadGoneError("Without sign-in the bot speaks on this machine only.")
            return {}
        # A token over plain HTTP could be read on the way.
        if not (thread.service_url.startswith("https://") or is_loopback(thread.service_url)):
            raise ThreadGoneError("The conversation's service is not reached by HTTPS.")
        return {"Authorization": await self._tokens.header()}

    @asynccontextmanager
    async def _lane(self, thread: Thread) -> AsyncIterator[None]:
        lane = self._lanes.setdefault(thread.id, _Lane())
        tenant = self._tenants.setdefault(thread.tenant, Meter(PER_TENANT))
        async with lane.lock:
            await self._keep_limits(lane.meter, tenant)
            yield
        if len(self._lanes) > _MOST_LANES:
            self._drop_idle_lanes()

    async def _keep_limits(self, *meters: Meter) -> None:
        while (wait_s := max(m.wait_s(self._clock.now()) for m in meters)) > 0:
            if wait_s > _LONGEST_WAIT_S:
                raise ThrottledError("The conversation has heard enough for now.", wait_s)
            await self._clock.sleep(wait_s)
        for meter in meters:
            meter.note(self._clock.now())

    def _drop_idle_lanes(self) -> None:
        now = self._clock.now()
        for name, lane in list(self._lanes.items()):
            if not lane.lock.locked() and lane.meter.is_idle(now):
                del self._lanes[name]

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(keepalive_timeout=_KEEP_ALIVE_S)
            # The proxy of the environment, but not for an address of this machine (NO_PROXY).
            self._session = aiohttp.ClientSession(
                connector=connector, timeout=self._timeout, trust_env=self._tokens is not None
            )
        return self._session


def _address(thread: Thread, activity_id: str | None = None) -> URL:
    base = f"{thread.service_url.rstrip('/')}/v3/conversations/{quote(thread.id, safe='')}"
    last = "" if activity_id is None else f"/{quote(activity_id, safe='')}"
    return URL(f"{base}/activities{last}", encoded=True)


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    """Read an answer, which is short; of a stranger's long one only the beginning."""
    answer = bytearray()
    async for piece in content.iter_any():
        answer += piece
        if len(answer) > _MOST_ANSWER_BYTES:
            break
    return bytes(answer)


def _id(answer: bytes) -> str:
    """Return the message's id, or "" where the channel took it and gave back none."""
    try:
        name = json.loads(answer)["id"]
    except (ValueError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""
