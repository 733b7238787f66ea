"""The Registry of the azure profile: models and managed online endpoints of the workspace."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from bot.adapters.azure.workspace import Workspace
from bot.domain.promotion import DeploymentSeen, DeploymentState, EndpointSeen, ModelVersion
from bot.ports.registry import Registry
from trainer.contract.model_tags import (
    APP,
    HASH,
    KEY,
    LOSS,
    MODEL,
    RUN,
    STAGE,
    STAGES,
    UNTIL,
    VERSION,
)

REST_S = 30.0
_STATES = {
    "creating": DeploymentState.CREATING,
    "updating": DeploymentState.CREATING,
    "scaling": DeploymentState.READY,
    "succeeded": DeploymentState.READY,
    "failed": DeploymentState.FAILED,
    "canceled": DeploymentState.FAILED,
    "deleting": DeploymentState.DELETING,
}


class AzureRegistry(Registry):
    """Reads what the promotion pipeline made; changes nothing."""

    def __init__(self, workspace: Workspace, now: Callable[[], float] = time.monotonic) -> None:
        self._workspace, self._now = workspace, now
        self._seen: tuple[float, Sequence[EndpointSeen]] | None = None

    @override
    async def versions(self, model: str | None = None) -> Sequence[ModelVersion]:
        def look(workspace: Workspace) -> list[ModelVersion]:
            return list(_versions(workspace.ml.models, model))

        found = await self._workspace.ask("list the models", look)
        return sorted(found, key=lambda each: each.created_at, reverse=True)

    @override
    async def endpoints(self, *, may_rest: bool = False) -> Sequence[EndpointSeen]:
        if may_rest and self._seen is not None and self._now() - self._seen[0] < REST_S:
            return self._seen[1]
        asked = self._now()
        found = await self._workspace.ask("look at the endpoints", _endpoints)
        self._seen = (asked, found)
        return found

    @override
    async def advance(self) -> None:
        pass  # Azure ML keeps deployments running


def _versions(models: Any, model: str | None) -> Iterator[ModelVersion]:
    names = [model] if model is not None else [str(each.name) for each in models.list()]
    for name in names:
        for found in models.list(name):
            tags: Mapping[str, str] = found.tags or {}
            if tags.get(RUN):
                yield _version(found, tags)


def _version(found: Any, tags: Mapping[str, str]) -> ModelVersion:
    properties: Mapping[str, str] = found.properties or {}
    context = found.creation_context
    stage = tags.get(STAGE, "")
    return ModelVersion(
        model=str(found.name),
        version=str(found.version),
        run_id=tags[RUN],
        stage=stage if stage in STAGES else "",
        model_sha256=properties.get(HASH, ""),
        created_at=_moment(getattr(context, "created_at", None)),
        eval_loss=_number(tags.get(LOSS)),
        lineage=tuple(sorted({**tags, **properties}.items())),
    )


def _endpoints(workspace: Workspace) -> Sequence[EndpointSeen]:
    client = workspace.ml
    ours = [e for e in client.online_endpoints.list() if (e.tags or {}).get(APP) == "krsp"]
    return [_endpoint(each, client.online_deployments) for each in ours]


def _endpoint(found: Any, deployments: Any) -> EndpointSeen:
    traffic: Mapping[str, int] = found.traffic or {}
    seen = [
        _deployment(each, traffic.get(each.name, 0))
        for each in deployments.list(endpoint_name=found.name)
    ]
    address = urlsplit(str(found.scoring_uri or ""))
    until = (found.tags or {}).get(UNTIL)
    return EndpointSeen(
        name=str(found.name),
        url=f"{address.scheme}://{address.netloc}/v1" if address.netloc else "",
        deployments=tuple(sorted(seen, key=lambda each: each.colour)),
        expires_at=_moment(until) if until else None,
    )


def _deployment(found: Any, traffic: int) -> DeploymentSeen:
    tags: Mapping[str, str] = found.tags or {}
    said = str(found.provisioning_state or "").rpartition(".")[2].lower()  # the SDK has an enum
    state = _STATES.get(said, DeploymentState.UNHEALTHY)
    is_well = state in (DeploymentState.READY, DeploymentState.CREATING)
    return DeploymentSeen(
        colour=str(found.name),
        key=tags.get(KEY, ""),
        run_id=tags.get(RUN, ""),
        model=tags.get(MODEL, ""),
        version=tags.get(VERSION, ""),
        state=state,
        traffic=int(traffic),
        note="" if is_well else f"Azure says: {said or 'nothing'}.",
    )


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return datetime.fromtimestamp(0, UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
