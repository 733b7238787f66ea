"""The local Registry adapter: MLflow's registry on SQLite, and the endpoints' files."""

import asyncio
import importlib
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typing_extensions import override

from bot.adapters.local.endpoints import folders, live_port, revive, seen
from bot.domain.promotion import EndpointSeen, ModelVersion
from bot.errors import UnavailableError
from bot.ports.registry import Registry
from trainer.contract.model_tags import HASH, LOSS, RUN, STAGES

log = logging.getLogger(__name__)


class LocalRegistry(Registry):
    """Models and endpoints below `home`; `public_url` is where the bot passes requests on."""

    def __init__(self, home: Path, public_url: str) -> None:
        self._home, self._public_url = home.resolve(), public_url
        self._client: Any = None
        self._one_at_a_time = asyncio.Lock()

    @override
    async def versions(self, model: str | None = None) -> Sequence[ModelVersion]:
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._versions, model)

    @override
    async def endpoints(self, *, may_rest: bool = False) -> Sequence[EndpointSeen]:
        return await asyncio.to_thread(self._endpoints)

    @override
    async def advance(self) -> None:
        for folder in await asyncio.to_thread(folders, self._home):
            if await asyncio.to_thread(revive, folder):
                log.warning("the server of endpoint %s was gone and is started again", folder.name)

    def address(self, name: str) -> str | None:
        """Return where the endpoint's live server listens; None while it has none."""
        port = live_port(self._home, name)
        return None if port is None else f"http://127.0.0.1:{port}"

    def _endpoints(self) -> Sequence[EndpointSeen]:
        try:
            found = [
                seen(folder, f"{self._public_url}/endpoints/{folder.name}/v1")
                for folder in folders(self._home)
            ]
        except OSError as error:
            raise UnavailableError(f"The endpoints' files cannot be read ({error}).") from error
        return [each for each in found if each is not None]

    def _versions(self, model: str | None) -> Sequence[ModelVersion]:
        if not (self._home / "mlflow.db").exists():
            return []
        try:
            client, wanted = self._connected(), None if model is None else f"name = '{model}'"
            found = client.search_model_versions(wanted)
            # Aliases stand with the model: in what a search finds of versions they are left out.
            names = {each.name for each in found}
            aliases = {name: client.get_registered_model(name).aliases for name in names}
        except Exception as error:  # MLflow raises what SQLAlchemy and its own code raise
            said = str(error).split("\n", 1)[0]
            raise UnavailableError(f"MLflow's registry cannot be read ({said}).") from error
        ours = [_version(each, aliases.get(each.name, {})) for each in found if each.tags.get(RUN)]
        return sorted(ours, key=lambda each: each.created_at, reverse=True)

    def _connected(self) -> Any:
        if self._client is None:
            # Loading MLflow takes a second or two, and most bots never list a model.
            mlflow = importlib.import_module("mlflow")
            logging.getLogger("mlflow").setLevel(logging.WARNING)
            uri = f"sqlite:///{self._home}/mlflow.db"
            self._client = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        return self._client


def _version(found: Any, aliases: Mapping[str, Any]) -> ModelVersion:
    tags: Mapping[str, str] = found.tags
    stages = [name for name in STAGES if str(aliases.get(name)) == str(found.version)]
    return ModelVersion(
        model=found.name,
        version=str(found.version),
        run_id=tags[RUN],
        stage=stages[0] if stages else "",
        model_sha256=tags.get(HASH, ""),
        created_at=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC),
        eval_loss=_number(tags.get(LOSS)),
        lineage=tuple(sorted(tags.items())),
    )


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
