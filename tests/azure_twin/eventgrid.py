"""Event Grid: what it tells of the workspace, to whom, and how that goes wrong."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import ClientError, ClientTimeout

from tests.azure_twin.context import CommandError, TwinContext
from tests.azure_twin.world import BOT_APP, WORKSPACE_PATH

log = logging.getLogger(__name__)

# Event Grid's own application, in every tenant, and the role that a receiver demands of it [doc].
EVENT_GRID_APP = "4962773b-9cdb-44cf-a8bf-237846a00ab7"
ROLE = "AzureEventGridSecureWebhookSubscriber"
ORIGIN = "eventgrid.azure.net"
VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
ANSWERS_WITHIN_S = 30
ATTEMPTS = 5

Schema = Literal["grid", "cloud"]


@dataclass
class Subscription:
    """Who hears. `retry_s` stands for the service's 10 s, 30 s, 1 min, ..."""

    url: str
    schema: Schema = "grid"
    audience: str | None = BOT_APP  # None: deliveries carry no token
    kinds: tuple[str, ...] = ()  # the last word of the types; empty: all
    retry_s: float = 1.0
    state: str = "AwaitingValidation"

    def wants(self, kind: str) -> bool:
        return not self.kinds or kind.rsplit(".", 1)[-1] in self.kinds


@dataclass
class Mishaps:
    """What goes wrong with the next events: each number counts down."""

    lost: int = 0
    doubled: int = 0
    late: int = 0
    late_s: float = 1.0
    held: int = 0  # kept until `events.release`, which sends them in reverse order


@dataclass
class EventGrid:
    twin: TwinContext
    subscriptions: list[Subscription] = field(default_factory=list)
    mishaps: Mishaps = field(default_factory=Mishaps)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    _held: list[tuple[Subscription, dict[str, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.twin.listeners.append(self.publish)
        self.twin.resets.append(self._reset)
        self.twin.commands.update(
            {
                "events.subscribe": self._subscribe,
                "events.unsubscribe": self._unsubscribe,
                "events.mishaps": self._set_mishaps,
                "events.release": self._release,
                "events.publish": self._publish,
                "events.deliveries": self._deliveries,
            }
        )

    def _reset(self) -> None:
        self.mishaps = Mishaps()
        self.subscriptions.clear()

    # ---------------------------------------------------------------------------- commands

    async def _subscribe(self, values: dict[str, Any]) -> str:
        """Subscribe a receiver after the handshake of its schema; return the state."""
        given = {**values, "kinds": tuple(values.get("kinds") or ())}
        subscription = Subscription(**given)
        self.subscriptions = [one for one in self.subscriptions if one.url != subscription.url]
        if await self._validated(subscription):
            subscription.state = "Succeeded"
            self.subscriptions.append(subscription)
        else:
            subscription.state = "Failed"
        return subscription.state

    async def _unsubscribe(self, values: dict[str, Any]) -> None:
        self.subscriptions = [one for one in self.subscriptions if one.url != values["url"]]

    async def _set_mishaps(self, values: dict[str, Any]) -> None:
        self.mishaps = Mishaps(**values)

    async def _release(self, values: dict[str, Any]) -> int:
        """Send what was held, the newest first."""
        held, self._held = list(reversed(self._held)), []
        for subscription, event in held:
            await self._deliver(subscription, event)
        return len(held)

    async def _publish(self, values: dict[str, Any]) -> None:
        """Publish an event that nothing in the twin caused."""
        if not str(values.get("kind", "")).startswith("Microsoft."):
            raise CommandError("The kind of an event begins with Microsoft.")
        self.publish(values["kind"], values["data"])

    async def _deliveries(self, values: dict[str, Any]) -> list[dict[str, Any]]:
        return self.deliveries

    # -------------------------------------------------------------------------- deliveries

    def publish(self, kind: str, data: Mapping[str, Any]) -> None:
        """Send an event to every subscription that wants it, as the mishaps allow."""
        facts = {"id": str(uuid.uuid4()), "kind": kind, "time": self.twin.clock.stamp()}
        for subscription in self.subscriptions:
            if not subscription.wants(kind):
                continue
            event = envelope(subscription.schema, facts, data)
            for delay_s in self._times():
                self.twin.spawn(self._send(subscription, event, delay_s))
            if self._is_held():
                self._held.append((subscription, event))

    def _times(self) -> list[float]:
        """Return after how many seconds an event goes out: once for each time it is sent."""
        mishaps = self.mishaps
        if mishaps.lost > 0:
            mishaps.lost -= 1
            return []
        if mishaps.held > 0:
            return []
        if mishaps.doubled > 0:
            mishaps.doubled -= 1
            return [0.0, 0.2]
        if mishaps.late > 0:
            mishaps.late -= 1
            return [mishaps.late_s]
        return [0.0]

    def _is_held(self) -> bool:
        if self.mishaps.held <= 0:
            return False
        self.mishaps.held -= 1
        return True

    async def _send(self, subscription: Subscription, event: dict[str, Any], delay: float) -> None:
        await asyncio.sleep(delay)
        await self._deliver(subscription, event)

    async def _deliver(self, subscription: Subscription, event: dict[str, Any]) -> None:
        """Post an event until it is taken: at least once."""
        body: Any = [event] if subscription.schema == "grid" else event
        for attempt in range(1, ATTEMPTS + 1):
            status, _ = await self._post(subscription, body, kind="Notification")
            entry = {"id": event["id"], "url": subscription.url, "status": status}
            kind = event.get("eventType") or event.get("type")
            self.deliveries.append({**entry, "kind": kind, "attempt": attempt})
            # 400, 401, 403, 404 and 413 are not tried again [doc].
            if status is not None and (status < 300 or status in {400, 401, 403, 404, 413}):
                return
            await asyncio.sleep(subscription.retry_s)

    async def _post(
        self, subscription: Subscription, body: Any, *, kind: str
    ) -> tuple[int | None, Any]:
        is_grid = subscription.schema == "grid"
        media = "application/json" if is_grid else "application/cloudevents+json"
        headers = {
            "Content-Type": f"{media}; charset=utf-8",
            "aeg-event-type": kind,
            "aeg-subscription-name": "KRSP",
            "Accept-Encoding": "identity",
            **self._bearer(subscription),
        }
        try:
            async with self.twin.http.post(
                subscription.url,
                json=body,
                headers=headers,
                timeout=ClientTimeout(total=ANSWERS_WITHIN_S),
            ) as answer:
                is_json = "json" in answer.headers.get("Content-Type", "")
                return answer.status, await answer.json() if is_json else await answer.text()
        except (ClientError, TimeoutError, OSError, ValueError) as error:
            log.info("an event could not be delivered to %s: %s", subscription.url, error)
            return None, None

    def _bearer(self, subscription: Subscription) -> dict[str, str]:
        """Return the header of an Entra-protected delivery."""
        if subscription.audience is None:
            return {}
        token = self.twin.tokens.mint(
            subscription.audience,
            appid=EVENT_GRID_APP,
            roles=[ROLE],
            oid=str(uuid.uuid5(uuid.NAMESPACE_URL, EVENT_GRID_APP)),
            tid=self.twin.environment.get("AZURE_TENANT_ID"),
            ver="1.0",
        )
        return {"Authorization": f"Bearer {token}"}

    async def _validated(self, subscription: Subscription) -> bool:
        """Return whether the receiver answers the handshake as it must."""
        if subscription.schema == "cloud":
            return await self._allowed(subscription)
        code = str(uuid.uuid4())
        event = {
            "id": str(uuid.uuid4()),
            "topic": WORKSPACE_PATH,
            "subject": "",
            "data": {
                "validationCode": code,
                "validationUrl": f"https://rp-westeurope.eventgrid.azure.net/validate?id={code}",
            },
            "eventType": VALIDATION,
            "eventTime": self.twin.clock.stamp(),
            "metadataVersion": "1",
            "dataVersion": "2",
        }
        status, answer = await self._post(subscription, [event], kind="SubscriptionValidation")
        return status == 200 and answer == {"validationResponse": code}

    async def _allowed(self, subscription: Subscription) -> bool:
        headers = {"WebHook-Request-Origin": ORIGIN, **self._bearer(subscription)}
        try:
            async with self.twin.http.options(
                subscription.url, headers=headers, timeout=ClientTimeout(total=ANSWERS_WITHIN_S)
            ) as answer:
                allowed = answer.headers.get("WebHook-Allowed-Origin")
                return answer.status == 200 and allowed in {ORIGIN, "*"}
        except (ClientError, TimeoutError, OSError):
            return False


def envelope(schema: Schema, facts: Mapping[str, str], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event in a schema: the samples of reference/events are the model."""
    kind = facts["kind"]
    if schema == "cloud":
        return {
            "source": WORKSPACE_PATH,
            "subject": subject(kind, data),
            "type": kind,
            "time": facts["time"],
            "id": facts["id"],
            "data": dict(data),
            "specversion": "1.0",
        }
    return {
        "topic": WORKSPACE_PATH,
        "subject": subject(kind, data),
        "eventType": kind,
        "eventTime": facts["time"],
        "id": facts["id"],
        "data": dict(data),
        "dataVersion": "",
        "metadataVersion": "1",
    }


def subject(kind: str, data: Mapping[str, Any]) -> str:
    name = kind.rsplit(".", 1)[-1]
    if name == "ModelRegistered":
        return f"models/{data['ModelName']}:{data['ModelVersion']}"
    if name == "ModelDeployed":
        return f"endpoints/{data['ServiceName']}"
    return f"experiments/{data.get('experimentId')}/runs/{data.get('runId')}"
