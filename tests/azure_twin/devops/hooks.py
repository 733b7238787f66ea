"""Service hooks: who wants to hear of what, how it is sent, and when the service gives up.

Source: learn.microsoft.com/azure/devops/service-hooks/troubleshoot (transient and enduring
failures, probation). A subscriber in the twin is on loopback, or routed there by `routes`.
"""

import asyncio
import base64
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.azure_twin.devops.events import Event
from tests.azure_twin.devops.people import Identity
from tests.azure_twin.devops.subscriptions import (
    BY_SYSTEM,
    ENABLED,
    PROBATION,
    Document,
    Mischief,
    Notification,
    Subscription,
)

TRANSIENT = frozenset({408, 502, 503, 504})
TERMINAL = 410
TRANSIENT_TRIES = 8
PROBATION_TRIES = 7
ANSWER_S = 100.0  # how long the service waits for an answer
LONGEST_WAIT_S = 3600.0
REMEMBERED = 5000


@dataclass
class Hooks:
    """All subscriptions, and the delivery of events to them, one after the other for each."""

    http: ClientSession
    now: Callable[[], float]
    retry_s: float = 20.0
    routes: dict[str, str] = field(default_factory=dict)
    mischief: Mischief = field(default_factory=Mischief)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    notifications: deque[Notification] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    _lines: dict[str, "asyncio.Queue[Notification]"] = field(default_factory=dict)
    _tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _later: set["asyncio.Task[None]"] = field(default_factory=set)
    _next: int = 1

    def add(self, body: Document, creator: Identity) -> Subscription:
        now = self.now()
        found = Subscription(str(uuid.uuid4()), dict(body), creator, now, now)
        self.subscriptions[found.id] = found
        return found

    def remove(self, subscription_id: str) -> None:
        self.subscriptions.pop(subscription_id, None)
        task = self._tasks.pop(subscription_id, None)
        if task is not None:
            task.cancel()

    def publish(self, event: Event) -> None:
        """Send the event to all who want it, as the mischief lets it."""
        for sent in self.mischief.plan(event):
            if self.mischief.late_s:
                task = asyncio.ensure_future(self._publish_late(*sent))
                self._later.add(task)
                task.add_done_callback(self._later.discard)
            else:
                self._spread(*sent)

    async def _publish_late(self, event: Event, document: Document) -> None:
        await asyncio.sleep(self.mischief.late_s)
        self._spread(event, document)

    def _spread(self, event: Event, document: Document) -> None:
        for subscription in list(self.subscriptions.values()):
            if subscription.status == ENABLED and subscription.wants(event):
                self._enqueue(self.notification(subscription, document))

    def notification(self, subscription: Subscription, event: Document) -> Notification:
        """Return a new notification of `event`, remembered but not yet sent."""
        number, self._next = self._next, self._next + 1
        sent = {"subscriptionId": subscription.id, "notificationId": number, **event}
        found = Notification(number, subscription, sent, self.now())
        self.notifications.append(found)
        return found

    def _enqueue(self, notification: Notification) -> None:
        name = notification.subscription.id
        if name not in self._tasks:
            self._lines[name] = asyncio.Queue()
            self._tasks[name] = asyncio.ensure_future(self._deliver_all(self._lines[name]))
        self._lines[name].put_nowait(notification)

    async def _deliver_all(self, line: "asyncio.Queue[Notification]") -> None:
        while True:
            await self.deliver(await line.get())

    async def close(self) -> None:
        tasks = [*self._tasks.values(), *self._later]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def deliver(self, notification: Notification) -> None:
        """Send until it succeeds or the subscription is given up."""
        subscription = notification.subscription
        status = await self._try(notification, TRANSIENT_TRIES, TRANSIENT)
        if status is not None and 200 <= status < 300:
            self._finish(notification, "succeeded")
            return
        if status == TERMINAL:
            subscription.status = BY_SYSTEM
        else:
            subscription.status, subscription.retries = PROBATION, 0
            await self._on_probation(notification)
        is_good = subscription.status == ENABLED
        self._finish(notification, "succeeded" if is_good else "failed")

    async def deliver_once(self, notification: Notification) -> None:
        """Send one time, as a test from the portal does; the subscription stays as it is."""
        status = await self._send(notification)
        is_good = status is not None and 200 <= status < 300
        self._finish(notification, "succeeded" if is_good else "failed")

    async def _on_probation(self, notification: Notification) -> None:
        """Try the one event again and again; nothing else is sent meanwhile."""
        subscription = notification.subscription
        while subscription.status == PROBATION and subscription.retries < PROBATION_TRIES:
            await self._wait(subscription.retries)
            subscription.retries += 1
            status = await self._send(notification)
            if status is not None and 200 <= status < 300 and subscription.status == PROBATION:
                subscription.status, subscription.retries = ENABLED, 0
        if subscription.status == PROBATION:
            subscription.status = BY_SYSTEM

    async def _try(
        self, notification: Notification, tries: int, again: frozenset[int]
    ) -> int | None:
        """Send while the failure may pass by itself; None is a subscriber out of reach."""
        status: int | None = None
        for number in range(tries):
            if number:
                await self._wait(number)
            status = await self._send(notification)
            if status is not None and status not in again:
                return status
        return status

    async def _wait(self, tries: int) -> None:
        await asyncio.sleep(min(self.retry_s * 2**tries, LONGEST_WAIT_S))

    async def _send(self, notification: Notification) -> int | None:
        notification.attempts += 1
        notification.status = "requestInProgress"
        inputs: Mapping[str, Any] = notification.subscription.body.get("consumerInputs") or {}
        began = time.monotonic()
        try:
            async with self.http.post(
                self._route(str(inputs.get("url", ""))),
                data=json.dumps(notification.event).encode(),
                headers=_headers(inputs),
                timeout=ClientTimeout(total=ANSWER_S),
                allow_redirects=False,
            ) as answer:
                notification.response = f"{answer.status} {answer.reason}"
                return answer.status
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            took = time.monotonic() - began
            notification.error = f"{type(error).__name__} after {took:.1f} s: {error}"
            return None

    def _route(self, url: str) -> str:
        """Return where on this machine the subscriber is."""
        for public, local in self.routes.items():
            if url.startswith(public):
                return local + url[len(public) :]
        if urlsplit(url).hostname not in {"127.0.0.1", "localhost"}:
            raise ValueError(f"nothing on this machine answers for {url}")
        return url

    def _finish(self, notification: Notification, result: str) -> None:
        notification.status, notification.result = "completed", result
        notification.ended_at = self.now()


def _headers(inputs: Mapping[str, Any]) -> dict[str, str]:
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "VSServices/19.254"}
    for line in str(inputs.get("httpHeaders") or "").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip()] = value.strip()
    name, password = inputs.get("basicAuthUsername"), inputs.get("basicAuthPassword")
    if name or password:
        pair = base64.b64encode(f"{name or ''}:{password or ''}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    return headers
