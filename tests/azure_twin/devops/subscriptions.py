"""Subscriptions and notifications of service hooks, and the mischief a test may order."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.azure_twin.devops.answers import stamp
from tests.azure_twin.devops.events import Event
from tests.azure_twin.devops.people import Identity
from tests.azure_twin.world import DEVOPS_URL, PROJECT_ID

ENABLED, PROBATION, BY_SYSTEM = "enabled", "onProbation", "disabledBySystem"
MASK = "********"
SECRET_INPUTS = ("basicAuthPassword",)

Document = dict[str, Any]


@dataclass
class Subscription:
    """One subscription, with the passwords that its answers hide."""

    id: str
    body: Document
    creator: Identity
    created_at: float
    modified_at: float
    status: str = ENABLED
    retries: int = 0

    def document(self) -> Document:
        inputs = dict(self.body.get("consumerInputs") or {})
        inputs |= {name: MASK for name in SECRET_INPUTS if inputs.get(name)}
        url = f"{DEVOPS_URL}/_apis/hooks/subscriptions/{self.id}"
        event = str(self.body.get("eventType"))
        return {
            "id": self.id,
            "url": url,
            "status": self.status,
            "publisherId": self.body.get("publisherId"),
            "eventType": event,
            "subscriber": None,
            "resourceVersion": self.body.get("resourceVersion"),
            "eventDescription": "Any run",
            "consumerId": self.body.get("consumerId"),
            "consumerActionId": self.body.get("consumerActionId"),
            "actionDescription": f"To host {urlsplit(str(inputs.get('url', ''))).netloc}",
            "probationRetries": str(self.retries),
            "createdBy": self.creator.reference(),
            "createdDate": stamp(self.created_at),
            "modifiedBy": self.creator.reference(),
            "modifiedDate": stamp(self.modified_at),
            "publisherInputs": dict(self.body.get("publisherInputs") or {}),
            "consumerInputs": inputs,
            "_links": {"self": {"href": url}},
        }

    def replace(self, body: Document, now: float) -> None:
        """Take over a new body; a masked password stays what it was."""
        inputs, old = dict(body.get("consumerInputs") or {}), self.body.get("consumerInputs") or {}
        for name in SECRET_INPUTS:
            if inputs.get(name) == MASK:
                inputs[name] = old.get(name)
        self.body, self.modified_at = {**body, "consumerInputs": inputs}, now
        if body.get("status") in {None, ENABLED}:
            self.status, self.retries = ENABLED, 0
        else:
            self.status = str(body["status"])

    def wants(self, event: Event) -> bool:
        """Return whether the event passes the filters; an empty one lets everything through."""
        if self.body.get("eventType") != event.kind:
            return False
        facts = {
            "projectId": PROJECT_ID,
            "pipelineId": str(event.run.definition.id),
            **event.facts,
        }
        inputs = self.body.get("publisherInputs") or {}
        return all(
            str(facts.get(name, value)) == str(value) for name, value in inputs.items() if value
        )


@dataclass
class Notification:
    """One event on its way to one subscription."""

    id: int
    subscription: Subscription
    event: Document
    created_at: float
    status: str = "queued"
    result: str = "pending"
    attempts: int = 0
    response: str = ""
    error: str = ""
    ended_at: float | None = None

    def document(self) -> Document:
        body = self.subscription.body
        return {
            "id": self.id,
            "subscriptionId": self.subscription.id,
            "subscriberId": "00000000-0000-0000-0000-000000000000",
            "eventId": self.event["id"],
            "status": self.status,
            "result": self.result,
            "createdDate": stamp(self.created_at),
            "modifiedDate": stamp(self.ended_at or self.created_at),
            "details": {
                "eventType": body.get("eventType"),
                "event": self.event,
                "publisherId": body.get("publisherId"),
                "consumerId": body.get("consumerId"),
                "consumerActionId": body.get("consumerActionId"),
                "consumerInputs": self.subscription.document()["consumerInputs"],
                "publisherInputs": body.get("publisherInputs") or {},
                "requestAttempts": self.attempts,
                "response": self.response,
                "errorMessage": self.error,
                "queuedDate": stamp(self.created_at),
                "completedDate": stamp(self.ended_at),
            },
        }


@dataclass
class Mischief:
    """What a test orders of the next events: so many lost, doubled, held back and turned round."""

    lose: int = 0
    double: int = 0
    reorder: int = 0
    late_s: float = 0.0
    held: list[tuple[Event, Document]] = field(default_factory=list)

    def plan(self, event: Event) -> list[tuple[Event, Document]]:
        """Return what is sent now in place of `event`; sent twice it is the same, by its id."""
        sent = (event, event.document())
        if self.lose > 0:
            self.lose -= 1
            return []
        if self.reorder > 0:
            self.reorder -= 1
            self.held.insert(0, sent)
            if self.reorder:
                return []
            released, self.held = self.held, []
            return released
        if self.double > 0:
            self.double -= 1
            return [sent, sent]
        return [sent]
