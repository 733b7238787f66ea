"""Azure ML's adapters against the twin's workspace: jobs that a test lets begin and end."""

import importlib
import itertools
import logging
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests
from azure.storage.blob import ContainerClient

from bot.adapters.azure.calls import Calls, Gate
from bot.adapters.azure.credential import Identity, Tokens
from bot.adapters.azure.faults import AZURE_ML
from bot.adapters.azure.jobs import AzureJobs
from bot.adapters.azure.tracking import AzureTracking
from bot.adapters.azure.workspace import Workspace
from bot.domain.run import JobSeen, JobState
from bot.ports import Jobs
from tests.adapters.local.workbench import until
from tests.azure_twin import world as names
from tests.azure_twin.credentials import TwinCredential
from tests.azure_twin.fixtures import RunningTwin
from trainer.contract.azure_job import artifact_prefix, progress_file
from trainer.contract.clusters import ClusterEntry
from trainer.contract.progress import StepLine

CLUSTER = "cpu-small"
ENTRIES = (
    ClusterEntry(sku="Standard_DS3_v2", priority="dedicated", cluster=CLUSTER),
    ClusterEntry(sku="Standard_NC4as_T4_v3", priority="low", cluster="t4-low"),
)
OVER = {"Canceled", "Completed", "Failed"}
_worlds = itertools.count(1)


def workspace_of(twin: RunningTwin, *, timeout_s: float = 30.0) -> Workspace:
    """Return the workspace as the bot's managed identity sees it."""
    ml_module()
    identity = Identity("managed_identity", names.TENANT, names.BOT_IDENTITY)
    tokens = Tokens(identity, lambda _: TwinCredential(twin.control, names.BOT_IDENTITY))
    calls = Calls(Gate(AZURE_ML), identity.words, timeout_s=timeout_s)
    return Workspace((names.SUBSCRIPTION, names.RESOURCE_GROUP, names.WORKSPACE), tokens, calls)


class RenamedJobs(AzureJobs):
    """Jobs under names that no earlier test has spent; `advance` waits for the service."""

    def __init__(self, world: "MlWorld") -> None:
        super().__init__(world.workspace, ENTRIES)
        self._world = world

    async def observe(self, names: Collection[str]) -> Mapping[str, JobSeen]:
        found = await super().observe([self._world.real(name) for name in names])
        return {name: found[self._world.real(name)] for name in names}

    async def cancel(self, name: str) -> None:
        await super().cancel(self._world.real(name))

    async def advance(self) -> None:
        self._world.nodes(1)
        await self._world.rested()


class MlWorld:
    """Each job waits for a file that says how it ends; the cluster has no node at first."""

    COMMAND = 'gate="{gate}"; until [ -e "$gate" ]; do sleep 0.02; done; exit "$(cat "$gate")"'

    def __init__(self, twin: RunningTwin, home: Path, ml: Any, builders: Any) -> None:
        self.twin, self.home, self._ml, self._builders = twin, home, ml, builders
        self.workspace = workspace_of(twin)
        self._number = next(_worlds)
        self._submitted: list[str] = []
        self.jobs: Jobs = RenamedJobs(self)
        self.nodes(0)

    @classmethod
    def on(cls, twin: RunningTwin, home: Path) -> "MlWorld":
        """Return a world whose jobs are submitted with the pipeline's rights."""
        twin.control.call("jobs.pace", seconds=0.02)
        builders = ml_module()
        credential = TwinCredential(twin.control, names.PIPELINE_IDENTITY)
        path = (names.SUBSCRIPTION, names.RESOURCE_GROUP, names.WORKSPACE)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ml = builders.MLClient(credential, *path, show_progress=False)
        return cls(twin, home, ml, builders)

    def real(self, name: str) -> str:
        return name.replace("20261123", f"{self._number:08d}")

    def nodes(self, count: int) -> None:
        self.twin.control.call("cluster.nodes", cluster=CLUSTER, nodes=count)

    def submit(self, run_id: str) -> None:
        name = self.real(run_id)
        entities = self._builders.entities
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._ml.jobs.create_or_update(
                self._builders.command(
                    name=name,
                    command=self.COMMAND.format(gate=self.home / name),
                    environment=entities.Environment(name="e", version="1", image="i@sha256:0"),
                    compute=CLUSTER,
                    experiment_name="krsp",
                )
            )
        self._submitted.append(run_id)

    def mlflow(self, client_id: str) -> Callable[..., None]:
        """Return what posts to the workspace's MLflow as `client_id`."""
        url = f"{self.workspace.facts().tracking_url}/api/2.0/mlflow"
        token = self.twin.control.mint(client_id, "https://management.azure.com")

        def post(operation: str, **body: Any) -> None:
            headers = {"Authorization": f"Bearer {token}"}
            requests.post(
                f"{url}/{operation}", json=body, headers=headers, timeout=20
            ).raise_for_status()

        return post

    async def finish(self, run_id: str, exit_code: int = 0) -> None:
        (self.home / self.real(run_id)).write_text(str(exit_code))
        await self.settled(run_id)
        (self.home / self.real(run_id)).unlink()

    async def preempt(self, run_id: str) -> None:
        self.nodes(0)
        self.twin.control.call("job.preempt", name=self.real(run_id), grace_s=0.2)
        await self.settled(run_id)

    async def settled(self, run_id: str) -> None:
        async def is_still() -> bool:
            return (await self.jobs.observe([run_id]))[run_id].state is not JobState.RUNNING

        await until(is_still, f"{run_id} to stop")

    async def rested(self) -> None:
        """Wait until the one node works or nobody waits for it."""

        async def is_rested() -> bool:
            seen = (await self.jobs.observe(self._submitted)).values()
            states = [one.state for one in seen]
            return JobState.RUNNING in states or JobState.WAITING not in states

        await until(is_rested, "the cluster to take a job")

    async def close(self) -> None:
        """End whatever a test left running, past the adapter, which may be holding back."""
        self.twin.control.reset()
        for run_id in self._submitted:
            name = self.real(run_id)
            self._ml.jobs.begin_cancel(name, polling=False)
            await until(lambda name=name: self._ml.jobs.get(name).status in OVER, f"{name} to end")
        self.workspace.close()


class MlTracking:
    """What a job writes, put straight into the workspace's storage."""

    def __init__(self, twin: RunningTwin, home: Path, run_id: str) -> None:
        self.twin, self.workspace = twin, workspace_of(twin)
        self.tracking = AzureTracking(home, self.workspace, lambda _: None, page_look_s=0)
        self._run_id = run_id
        self._progress = b""
        self.container = container_of(twin)
        for blob in self.container.list_blobs(name_starts_with=f"ExperimentRun/dcid.{run_id}"):
            self.container.delete_blob(blob.name)

    def write_losses(self, losses: Mapping[int, float]) -> None:
        for step, loss in losses.items():
            line = StepLine(
                at=0, step=step, total=100, loss=loss, lr=1, tokens=1, tokens_per_s=1, eta_s=1
            )
            self._progress += line.model_dump_json().encode() + b"\n"
        self.put(f"logs/{progress_file(1)}", self._progress)

    def write_log(self, lines: Sequence[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        self.put("user_logs/std_log.txt", text.encode())

    def put(self, path: str, data: bytes, job: str | None = None) -> None:
        name = artifact_prefix(job or self._run_id) + path
        self.container.upload_blob(name, data, overwrite=True)

    def asked(self) -> int:
        """Return how many requests the bot has made so far."""
        return len(self.twin.requests(client_id=names.BOT_IDENTITY))

    def close(self) -> None:
        self.workspace.close()
        self.container.close()


def ml_module() -> Any:
    """Return azure.ai.ml, which warns of its own parts when it is imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = importlib.import_module("azure.ai.ml")
        importlib.import_module("azure.ai.ml.entities")
    logging.getLogger("azure.ai.ml").setLevel(logging.ERROR)
    return module


def container_of(twin: RunningTwin) -> ContainerClient:
    """Return the artifact store with the rights of a node."""
    return ContainerClient(
        f"https://{names.STORAGE}.blob.core.windows.net",
        names.ARTIFACT_STORE,
        credential=TwinCredential(twin.control, names.COMPUTE_IDENTITY),
    )
