"""What clients asked for: one JSON line per request, and the same in memory for the control API."""

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from aiohttp import web

KEPT = 20_000  # in memory; the file has all
HEADERS = ("Accept", "If-None-Match", "Range", "User-Agent", "x-ms-client-request-id")


@dataclass
class RequestLog:
    """Write down each request; `label` marks what a test is doing."""

    path: Path
    label: str = ""
    entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=KEPT))
    _file: IO[str] | None = None

    def open(self) -> None:
        self._file = self.path.open("a", encoding="utf-8", buffering=1)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, entry: dict[str, Any]) -> None:
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry, default=str) + "\n")


def describe(
    request: web.Request, host: str, *, body: bytes, answer: web.StreamResponse | None
) -> dict[str, Any]:
    """Return the entry for a request; no token is written down, only what it says of its bearer."""
    claims = request.get("claims")
    entry: dict[str, Any] = {
        "method": request.method,
        "host": host,
        "path": request.path,
        "query": {key: value for key, value in request.query.items() if key != "sig"},
        "status": None if answer is None else answer.status,
        "headers": {name: request.headers[name] for name in HEADERS if name in request.headers},
        "audience": claims.audience if claims else None,
        "client_id": claims.client_id if claims else None,
        "oid": claims.oid if claims else None,
        "action": request.get("action"),
        "fault": request.get("fault"),
    }
    if "blob." in host:
        return {**entry, "size": len(body)}
    entry["body"] = readable(body, host)
    if isinstance(answer, web.Response) and isinstance(answer.body, bytes):
        entry["answer"] = readable(answer.body, host)
    return entry


def readable(data: bytes, host: str) -> Any:
    """Return JSON as it is, other text cut short; bodies at Entra hold secrets and are left out."""
    if not data or host == "login.microsoftonline.com":
        return None
    try:
        return json.loads(data)
    except ValueError:
        return data[:500].decode("latin-1")
