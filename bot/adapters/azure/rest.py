"""Reads JSON documents of Azure's plain REST interfaces, for what no SDK of ours covers."""

from collections.abc import Callable, Mapping
from typing import Any

from azure.core import PipelineClient
from azure.core.credentials import TokenCredential
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import (
    BearerTokenCredentialPolicy,
    CustomHookPolicy,
    RetryPolicy,
    UserAgentPolicy,
)
from azure.core.rest import HttpRequest

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.credential import Tokens

ARM = "https://management.azure.com"
GRAPH = "https://graph.microsoft.com/v1.0"


class Reader:
    """Reads from one service with tokens for one scope; never writes."""

    def __init__(self, service: str, scope: str, tokens: Tokens) -> None:
        self._scope, self._tokens = scope, tokens
        self._calls = Calls(Gate(service), tokens.identity.words, threads=2, timeout_s=20)

    async def read(self, doing: str, url: str) -> dict[str, Any]:
        """Return the document at `url`; raises `BotError`s only."""
        return await self._calls.run(doing, lambda: self._read(url))

    def close(self) -> None:
        """Let go of the threads."""
        self._calls.close()

    def _read(self, url: str) -> dict[str, Any]:
        patience = {"retry_total": 0, "connection_timeout": 5, "read_timeout": self._calls.read_s}
        credential, heed = self._tokens.credential, heeding(self._calls.gate)
        return get_json(url, credential, self._scope, heed=heed, patience=patience)


def heeding(gate: Gate) -> Callable[[Any], None]:
    """Return a hook for azure-core by which the gate hears of each answer."""

    def heed(response: Any) -> None:
        answer = response.http_response
        gate.heed(answer.status_code, answer.headers)

    return heed


def get_json(
    url: str,
    credential: TokenCredential,
    scope: str,
    *,
    heed: Callable[[Any], None],
    patience: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the document at `url`. Blocks; raises what azure-core raises.

    `patience` is azure-core's: how often to retry, and how long to wait for what.
    """
    policies = [
        UserAgentPolicy("krsp-bot"),
        RetryPolicy(**patience),
        BearerTokenCredentialPolicy(credential, scope),
        CustomHookPolicy(raw_response_hook=heed),
    ]
    client: Any = PipelineClient(url, policies=policies)
    with client:
        answer = client.send_request(
            HttpRequest("GET", url, headers={"Accept": "application/json"}),
            connection_timeout=patience["connection_timeout"],
            read_timeout=patience["read_timeout"],
        )
        if answer.status_code != 200:
            raise HttpResponseError(response=answer)
        found: dict[str, Any] = answer.json()
        return found
