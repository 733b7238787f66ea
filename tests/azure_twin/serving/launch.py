"""Which program stands for a deployment's container.

Azure runs the image that the environment names. Here nothing can run an image, so a table tells
which program does what it does: by a pattern of the image's name, set over the control API
(`serving.image`). Without an entry it is a small server that speaks OpenAI's chat dialect.
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ECHO = Path(__file__).parent / "echo.py"
USUAL_ROUTES = {
    "livenessRoute": {"path": "/health", "port": 8000},
    "readinessRoute": {"path": "/health", "port": 8000},
    "scoringRoute": {"path": "/v1/chat/completions", "port": 8000},
}


@dataclass(frozen=True)
class Container:
    """What a deployment asks to run: its image, routes, variables, and the model's folder."""

    image: str
    routes: Mapping[str, Mapping[str, Any]]
    variables: Mapping[str, str]
    model: Path | None
    code: Path | None = None
    script: str | None = None

    def path(self, route: str) -> str:
        return str((self.routes.get(route) or USUAL_ROUTES[route])["path"])


@dataclass
class Images:
    """Commands by a pattern of the image's name.

    `{python}`, `{port}`, `{model}` and `{code}` are filled in; so is `{NAME}` of each variable.
    """

    commands: dict[str, list[str]] = field(default_factory=dict)

    def argv(self, container: Container, port: int) -> list[str]:
        values = {
            **container.variables,
            "python": sys.executable,
            "port": str(port),
            "model": str(container.model or ""),
            "code": str(container.code or ""),
        }
        for pattern, command in self.commands.items():
            if re.search(pattern, container.image):
                return [part.format_map(values) for part in command]
        return [sys.executable, str(ECHO), "--port", str(port)]


def routes_of(environment: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Return the routes of an environment's inference configuration."""
    found = environment.get("inferenceConfig") or {}
    return {name: found.get(name) or usual for name, usual in USUAL_ROUTES.items()}
