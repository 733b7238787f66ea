"""What the files below `KRSP_HOME/endpoints` say, and keepers that died started again."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from bot.adapters.local.files import locked
from bot.adapters.local.processes import inherited
from bot.adapters.local.supervisor import start_detached
from bot.domain.promotion import DeploymentSeen, DeploymentState, EndpointSeen
from bot.errors import UnavailableError
from trainer.contract.promotion import (
    COLOURS,
    ENDPOINT_PATTERN,
    DeploymentFile,
    EndpointFile,
    ServerFile,
)

KEEPER = "trainer.serving.keeper"
_STATES = {
    "starting": DeploymentState.CREATING,
    "ready": DeploymentState.READY,
    "unhealthy": DeploymentState.UNHEALTHY,
    "failed": DeploymentState.UNHEALTHY,
}

ModelT = TypeVar("ModelT", bound=BaseModel)


def seen(folder: Path, url: str) -> EndpointSeen | None:
    """Return the endpoint of a folder; None where nothing is deployed."""
    endpoint = _read(folder / "endpoint.json", EndpointFile) or EndpointFile(name=folder.name)
    deployments = tuple(_deployments(folder, endpoint))
    if not deployments:
        return None
    expires_at = endpoint.expires_at
    return EndpointSeen(
        name=folder.name,
        url=url,
        deployments=deployments,
        expires_at=datetime.fromtimestamp(expires_at, UTC) if expires_at else None,
    )


def folders(home: Path) -> list[Path]:
    """Return the folders of endpoints, by name."""
    root = home / "endpoints"
    return sorted(root.iterdir()) if root.is_dir() else []


def live_port(home: Path, name: str) -> int | None:
    """Return the port of the server that has the endpoint's traffic; None while it has none."""
    if not re.fullmatch(ENDPOINT_PATTERN, name):
        return None
    folder = home / "endpoints" / name
    endpoint = _read(folder / "endpoint.json", EndpointFile)
    if endpoint is None or not endpoint.traffic:
        return None
    server = _read(folder / endpoint.traffic / "server.json", ServerFile)
    return server.port if server is not None else None


def revive(folder: Path) -> bool:
    """Start the keepers of an endpoint that are gone, each of them; return whether one was."""
    return sum(_revived(folder / colour) for colour in COLOURS) > 0


def _revived(folder: Path) -> bool:
    if not (folder / "deployment.json").exists() or not (folder / "keeper.lock").exists():
        return False  # its deployer is just making it
    with locked(folder / "keeper.lock", wait_s=0) as is_dead:
        if not is_dead:
            return False
    command, log_file = [sys.executable, "-m", KEEPER, str(folder)], folder / "keeper.log"
    try:
        code = start_detached(command, log_file, cwd=folder, env=inherited(os.environ))
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"The server in {folder} did not start in time.") from error
    if code:
        raise UnavailableError(f"The server in {folder} could not be started; see {log_file}.")
    return True


def _deployments(folder: Path, endpoint: EndpointFile) -> Iterator[DeploymentSeen]:
    for colour in COLOURS:
        deployed = _read(folder / colour / "deployment.json", DeploymentFile)
        if deployed is None:
            continue
        server = _read(folder / colour / "server.json", ServerFile)
        yield DeploymentSeen(
            colour=colour,
            key=deployed.key,
            run_id=deployed.run_id,
            model=deployed.model,
            version=deployed.version,
            state=_STATES[server.state] if server else DeploymentState.CREATING,
            traffic=100 if endpoint.traffic == colour else 0,
            note=server.fault if server else "",
        )


def _read(path: Path, kind: type[ModelT]) -> ModelT | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValidationError):
        return None
