"""How Azure DevOps answers: JSON, lists with a count, and refusals with their type."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

EVENT_ID = 3000  # what the service writes into each of these errors


class RefusalError(Exception):
    """A request that is refused; `kind` is the .NET class that the service names."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message

    def answer(self) -> web.Response:
        namespace, _, name = self.kind.rpartition(".")
        body = {
            "$id": "1",
            "innerException": None,
            "message": self.message,
            "typeName": f"{self.kind}, {namespace}",
            "typeKey": name,
            "errorCode": 0,
            "eventId": EVENT_ID,
        }
        return answer(body, status=self.status)


BUILD = "Microsoft.TeamFoundation.Build.WebApi"
PIPELINES = "Microsoft.Azure.Pipelines.WebApi"
VSS = "Microsoft.VisualStudio.Services"


def answer(document: object, *, status: int = 200) -> web.Response:
    """Answer with JSON; the service sends an ActivityId that support asks for."""
    return web.Response(
        status=status,
        text=json.dumps(document),
        content_type="application/json",
        charset="utf-8",
        headers={"ActivityId": str(uuid.uuid4())},
    )


def collection(items: Sequence[Any]) -> web.Response:
    return answer({"count": len(items), "value": list(items)})


def no_content() -> web.Response:
    return web.Response(status=204, headers={"ActivityId": str(uuid.uuid4())})


def stamp(seconds: float | None) -> str | None:
    """Return a time as the service writes it: seven digits of a second."""
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond:06d}0Z"


def seconds_of(text: str) -> float:
    """Return the time that a client has written."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def lower(text: str) -> str:
    """Return a state or result as JSON has it: Succeeded becomes succeeded."""
    return text[:1].lower() + text[1:]
