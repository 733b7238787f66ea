"""Start the program behind a deployment, wait until it is ready, and stop it."""

import asyncio
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientTimeout

from tests.azure_twin import world
from tests.azure_twin.arm.assets import Assets
from tests.azure_twin.arm.errors import ArmError
from tests.azure_twin.arm.places import place_of
from tests.azure_twin.blob.store import BlobStore
from tests.azure_twin.children import Child
from tests.azure_twin.context import TwinContext
from tests.azure_twin.jobs.command import PROGRAMS, SYSTEM_PATH, library_environment
from tests.azure_twin.serving.launch import Container, Images, routes_of
from tests.azure_twin.serving.record import Deployment

READY_WITHIN_S = 120.0
LOOK_AGAIN_S = 0.1


@dataclass
class Servers:
    """Runs deployments. `ready_within_s` is how long a server may take to answer."""

    twin: TwinContext
    assets: Assets
    store: BlobStore
    images: Images = field(default_factory=Images)
    ready_within_s: float = READY_WITHIN_S
    _count: int = 0

    def reset(self) -> None:
        self.ready_within_s = READY_WITHIN_S
        self.images.commands.clear()

    async def start(self, deployment: Deployment) -> None:
        """Bring a deployment up, in place of what served it before; ArmError if it fails."""
        self._count += 1
        folder = (
            self.twin.folder / "serving" / f"{deployment.endpoint}-{deployment.name}-{self._count}"
        )
        folder.mkdir(parents=True)
        deployment.folder = folder
        container = await self._container(deployment.asked, folder)
        port = _free_port()
        with deployment.log.open("ab") as output:
            child = await self.twin.children.start(
                f"deployment {deployment.endpoint}/{deployment.name}",
                *self.images.argv(container, port),
                cwd=container.code or folder,
                env=self._environment(container, folder),
                output=output,
            )
        try:
            await self._ready(deployment, child, f"http://127.0.0.1:{port}", container)
        except BaseException:
            await child.stop(grace_s=1)
            raise
        before, deployment.child, deployment.port = deployment.child, child, port
        if before is not None:
            await before.stop(grace_s=2)

    async def stop(self, deployment: Deployment) -> None:
        if deployment.child is not None:
            await deployment.child.stop(grace_s=2)
            deployment.child = None
        if deployment.folder.name:
            shutil.rmtree(deployment.folder, ignore_errors=True)

    async def _container(self, asked: Mapping[str, Any], folder: Path) -> Container:
        environment: Mapping[str, Any] = {}
        if asked.get("environmentId"):
            environment = self.assets.by_id(asked["environmentId"])["properties"]
        code, script = None, None
        if configuration := asked.get("codeConfiguration"):
            code, script = folder / "code", configuration.get("scoringScript")
            held = self.assets.by_id(configuration["codeId"])["properties"]
            await self.store.download(place_of(held["codeUri"]), code)
        return Container(
            image=str(environment.get("image") or ""),
            routes=routes_of(environment),
            variables={
                key: str(value) for key, value in (asked.get("environmentVariables") or {}).items()
            },
            model=await self._model(asked.get("model"), folder),
            code=code,
            script=script,
        )

    async def _model(self, model_id: str | None, folder: Path) -> Path | None:
        """Return AZUREML_MODEL_DIR: below it the model has the last name of its own path."""
        if not model_id:
            return None
        held: dict[str, Any] = self.assets.by_id(model_id)
        name, _, version = str(held["id"]).rsplit("/", 3)[-3:]
        place = place_of(held["properties"]["modelUri"])
        top = folder / "azureml-models" / name / version
        target = top / place.path.rsplit("/", 1)[-1]
        if await self.store.download(place, target) == 0:
            raise ArmError(400, "BadArgument", f"The model {name}:{version} has no files.")
        return top

    def _environment(self, container: Container, folder: Path) -> dict[str, str]:
        model = {"AZUREML_MODEL_DIR": str(container.model)} if container.model else {}
        return {
            "PATH": f"{PROGRAMS}:{SYSTEM_PATH}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            **library_environment(),
            **self.twin.environment,
            **model,
            "AML_APP_ROOT": str(container.code or folder),
            "AZUREML_ENTRY_SCRIPT": container.script or "",
            "SERVICE_REGION": world.REGION,
            **container.variables,
        }

    async def _ready(
        self, deployment: Deployment, child: Child, base: str, container: Container
    ) -> None:
        ends = asyncio.get_running_loop().time() + self.ready_within_s
        while asyncio.get_running_loop().time() < ends:
            if not child.is_running:
                raise _failed(deployment, "User container has crashed or terminated")
            if await self._answers(base + container.path("readinessRoute")):
                return
            await asyncio.sleep(LOOK_AGAIN_S)
        raise _failed(deployment, "The readiness probe failed")

    async def _answers(self, url: str) -> bool:
        try:
            async with self.twin.http.get(url, timeout=ClientTimeout(total=2)) as answer:
                return answer.status == 200
        except (ClientError, TimeoutError, OSError):
            return False


def _failed(deployment: Deployment, what: str) -> ArmError:
    """Return the error of a deployment that did not come up; the words are those of real ones."""
    tail = deployment.log.read_text(encoding="utf-8", errors="replace")[-500:].strip()
    return ArmError(
        400,
        "ResourceNotReady",
        f"{what}. Please see troubleshooting guide, available here: "
        f"https://aka.ms/oe-tsg#error-resourcenotready. {tail}",
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
