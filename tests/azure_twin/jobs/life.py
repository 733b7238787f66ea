"""The life of a job: from accepted to its end, through waiting, running and preemption."""

import asyncio
import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import AzureError

from tests.azure_twin.arm.assets import Assets
from tests.azure_twin.arm.errors import ArmError, not_found
from tests.azure_twin.arm.places import run_place
from tests.azure_twin.blob.store import BlobStore, Place
from tests.azure_twin.context import TwinContext
from tests.azure_twin.jobs.attempt import Attempt, Ending, Outcome
from tests.azure_twin.jobs.capacity import Capacity
from tests.azure_twin.jobs.command import CommandError
from tests.azure_twin.jobs.record import MODELS, Job
from tests.azure_twin.jobs.staging import Stage, Staging

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 0.2
EVENT_TYPES = {"Completed": "RunCompleted", "Failed": "RunStatusChanged"}


@dataclass
class Jobs:
    """Every job by name, and the tasks that live them; an early status lasts `pace_s`."""

    twin: TwinContext
    store: BlobStore
    assets: Assets
    capacity: Capacity
    staging: Staging
    pace_s: float = 0.3
    held: dict[str, Job] = field(default_factory=dict)

    def submit(self, name: str, asked: dict[str, Any], system_data: dict[str, Any]) -> Job:
        job = Job(name, asked, system_data, status="Starting")
        # Seen in real answers of command jobs on clusters.
        job.added["_azureml.ComputeTargetType"] = "amlctrain"
        self.held[name] = job
        self.twin.spawn(self._live(job))
        return job

    def output_place(self, job: str, output: str) -> Place:
        """Return where an output of a job is; `default` also where the job is not known."""
        if output == "default":
            return run_place(job)
        if job not in self.held:
            raise not_found(f"The run {job!r}")
        return self.held[job].output_place(output)

    def cancel(self, job: Job) -> None:
        if not job.is_final:
            job.status = "CancelRequested"
            job.cancelled.set()

    def preempt(self, job: Job, grace_s: float) -> None:
        job.grace_s = grace_s
        job.preempted.set()

    async def _live(self, job: Job) -> None:
        try:
            await self._early(job, "Starting")
            await self._early(job, "Preparing")
            while not job.cancelled.is_set():
                if not await self._get_nodes(job):
                    break
                outcome = await self._attempt(job)
                if outcome.ending is not Ending.PREEMPTED:
                    await self._finish(job, outcome)
                    return
                self._again(job)
            await self._finish(job, Outcome(Ending.CANCELLED))
        finally:
            self.capacity.release(job.name)

    async def _early(self, job: Job, status: str) -> None:
        """Show a status for a moment, unless the job is cancelled meanwhile."""
        if job.cancelled.is_set():
            return
        job.status = status
        await _wait(job.cancelled, self.pace_s)

    async def _get_nodes(self, job: Job) -> bool:
        """Wait until the cluster gives nodes; return False for a cancel meanwhile."""
        await self._early(job, "Queued")
        is_warm = self.capacity.is_warm(job.compute, job.nodes)
        while not job.cancelled.is_set():
            job.waiting = self.capacity.take(job.name, job.compute, job.nodes)
            if job.waiting is None:
                if not is_warm:
                    await self._early(job, "Provisioning")
                return not job.cancelled.is_set()
            await _wait(job.cancelled, LOOK_AGAIN_S)
        return False

    async def _attempt(self, job: Job) -> Outcome:
        stage: Stage | None = None
        try:
            stage = await self.staging.prepare(job)
            if job.cancelled.is_set():
                return Outcome(Ending.CANCELLED)
            job.status, job.started = "Running", job.started or self.twin.clock.stamp()
            job.preempted.clear()
            cluster = self.capacity.clusters[job.compute]
            attempt = Attempt(self.twin, self.store, job, stage, cluster.sku.name)
            outcome = await attempt.run()
            if outcome.ending is Ending.EXITED and job.status == "Running":
                job.status = "Finalizing"
            if outcome.ending is not Ending.PREEMPTED:
                await stage.finish(self.store)
        except (ArmError, AzureError, CommandError, OSError) as error:
            log.info("job %s could not be run: %s", job.name, error)
            return Outcome(Ending.EXITED, code=-1, log=str(error))
        else:
            return outcome
        finally:
            self.capacity.release(job.name)
            if stage is not None:
                stage.remove()

    def _again(self, job: Job) -> None:
        """Queue a preempted job again.

        [guess] Azure ML restarts the same run without our doing; how the answer shows it was
        never recorded here, so the retry is told in a property of the run.
        """
        job.preempted.clear()
        job.attempt += 1
        job.added["azureml.retryCount"] = str(job.attempt - 1)
        if not job.cancelled.is_set():
            job.status = "Queued"

    async def _finish(self, job: Job, outcome: Outcome) -> None:
        # [doc] The service cancels a job that reaches its limit; [guess] how the run shows it.
        if outcome.ending in {Ending.CANCELLED, Ending.TIMED_OUT}:
            status = "Canceled"
            if outcome.ending is Ending.TIMED_OUT:
                job.error = _error("The job was cancelled: it ran longer than its limit allows.")
        elif outcome.code == 0:
            status = "Completed"
            self._register(job)
        else:
            status, job.error = "Failed", failure(outcome)
        job.ended = self.twin.clock.stamp()
        job.waiting = None
        job.status = status
        self._tell(job)

    def _register(self, job: Job) -> None:
        """Register the named outputs as assets, as the service does."""
        for name, output in job.outputs.items():
            kind = output.get("jobOutputType") or "uri_folder"
            uri = job.output_uri(name)
            group = "models" if kind in MODELS else "data"
            asset = output.get("assetName") or f"azureml_{job.name}_output_{group}_{name}"
            if group == "models":
                properties: Mapping[str, Any] = {"modelType": kind, "modelUri": uri}
            else:
                properties = {"dataType": kind, "dataUri": uri}
            self.assets.register_output(group, asset, properties)
            job.assets[name] = {"kind": group, "name": asset, "type": kind}

    def _tell(self, job: Job) -> None:
        """Publish what Event Grid tells: nothing for a cancelled job."""
        event = EVENT_TYPES.get(job.status)
        if event is None:
            return
        data = {
            "experimentId": experiment_id(job.experiment),
            "experimentName": job.experiment,
            "runId": job.name,
            "runType": "azureml.scriptrun",
            "runTags": job.value("tags") or {},
            "runProperties": {**(job.value("properties") or {}), **job.added},
        }
        if event == "RunStatusChanged":
            data["runStatus"] = job.status
        self.twin.publish(f"Microsoft.MachineLearningServices.{event}", data)


def experiment_id(name: str) -> str:
    """Return a stable id, in the form that Azure ML gives an experiment."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"experiment:{name}"))


def failure(outcome: Outcome) -> dict[str, Any]:
    """Return the error of a failed run; the words are those of real ones [doc]."""
    if outcome.code == -1:
        return _error(outcome.log)
    tail = f" Error: {outcome.log.strip()[-800:]}" if outcome.log.strip() else ""
    return _error(
        f"Execution failed. User process 'bash' exited with status code {outcome.code}. "
        f"Please check log file 'user_logs/std_log.txt' for error details.{tail}"
    )


def _error(message: str) -> dict[str, Any]:
    return {
        "error": {
            "code": "UserError",
            "message": message,
            "messageParameters": {},
            "details": [],
        },
        "time": "0001-01-01T00:00:00.000Z",
        "componentName": "CommonRuntime",
    }


async def _wait(event: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until the event."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
