"""The control API from a test: plain calls, without the twin's proxy."""

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


class TwinControlError(Exception):
    """The twin refused a command; the text says why."""


@dataclass(frozen=True)
class TwinControl:
    """Calls block: from a coroutine use `asyncio.to_thread` if the twin will call back."""

    url: str
    timeout_s: float = 60

    def call(self, command: str, /, **values: Any) -> Any:
        """Run a command and return its result; unknown ones are answered with the list."""
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(
            address.hostname or "127.0.0.1", address.port, timeout=self.timeout_s
        )
        try:
            connection.request(
                "POST",
                f"/control/{command}",
                body=json.dumps(values),
                headers={"Content-Type": "application/json"},
            )
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if "error" in answer:
            raise TwinControlError(answer["error"])
        return answer["result"]

    def reset(self) -> None:
        """Take back all that was ordered; jobs and assets stay."""
        self.call("reset")

    def label(self, text: str = "") -> None:
        """Mark the requests that follow, for `requests(label=...)`."""
        self.call("label", text=text)

    def requests(self, **values: Any) -> list[dict[str, Any]]:
        """Return what was asked; `path` and `host` contain, all else is equal."""
        found: list[dict[str, Any]] = self.call("requests", **values)
        return found

    def fault(self, **values: Any) -> None:
        """Order a fault: see `faults.Fault` for its fields."""
        self.call("fault", **values)

    def clear_faults(self) -> None:
        self.call("faults.clear")

    def refused_hosts(self) -> list[str]:
        """Return what tried to leave the machine."""
        refused: list[str] = self.call("hosts")["refused"]
        return refused

    def advance(self, seconds: float) -> None:
        """Move the twin's clock, so that tokens expire."""
        self.call("clock.advance", seconds=seconds)

    def token_lifetime(self, seconds: float) -> None:
        self.call("tokens.lifetime", seconds=seconds)

    def mint(self, client_id: str, audience: str, **values: Any) -> str:
        """Return a token of an application; `claims` and `lifetime_s` can make it wrong."""
        return str(self.call("tokens.mint", client_id=client_id, audience=audience, **values))

    def sign_in(self, person: str | None) -> None:
        """Say whom the browser's session at Entra belongs to."""
        self.call("sign_in", person=person)

    def processes(self) -> list[dict[str, Any]]:
        """Return the running processes of the twin: jobs, deployments, Azurite."""
        found: list[dict[str, Any]] = self.call("processes")
        return found
