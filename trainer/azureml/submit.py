"""`python -m trainer submit --target azureml`: put a job into the workspace, exactly once.

The job's name is what makes it once: Azure ML takes a name only one time. So whatever happens to
an answer on its way, the next look by name tells whether the job is there, and its fingerprint
whether it is ours (facts: learn.microsoft.com/rest/api/azureml/jobs/create-or-update).
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from azure.ai.ml import MLClient
from azure.ai.ml.entities import Command, Job
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from trainer.azureml.credential import credential_of
from trainer.azureml.errors import AwayError, RefusedError, explained, has_code
from trainer.azureml.grant import obtain
from trainer.azureml.inputs import inputs_of, known_job
from trainer.azureml.job import JobPlan, Where, as_command, plan_job
from trainer.azureml.place import Place, read_place
from trainer.azureml.workspace import client_of
from trainer.contract.azure_job import Tag
from trainer.contract.clusters import ClustersError, find_cluster, read_clusters
from trainer.contract.grant import GrantClaims, GrantRequest
from trainer.contract.names import RUN_ID
from trainer.contract.spec import RunSpec
from trainer.errors import BadSpecError

log = logging.getLogger(__name__)

# With azure-core's own retries (`workspace.py`), this outlasts an outage of some minutes within the
# pipeline's 15 minutes.
PAUSES_S = (2.0, 10.0, 30.0, 60.0)
TAKEN = "JobPropertyImmutable"


@dataclass(frozen=True)
class Submission:
    """A job as it stands in the workspace; `is_new` when this call put it there."""

    name: str
    is_new: bool
    url: str


@dataclass(frozen=True)
class Submitter:
    """What submitting works with."""

    client: MLClient
    credential: TokenCredential
    place: Place
    pause: Callable[[float], None] = time.sleep

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Submitter":
        """Return the one that the environment describes."""
        place, credential = read_place(env), credential_of(env)
        return cls(client_of(place, credential), credential, place)

    def submit(self, spec: RunSpec, name: str, code: Path, *, code_sha256: str) -> Submission:
        """Put the job, unless it is there already. Repeating it is harmless.

        Raises `RefusedError` for what will not go by itself, a job of that name with another
        content included; `AwayError` when Azure or the bot stays silent.
        """
        if not RUN_ID.match(name):
            raise BadSpecError(
                f"{name!r} is not a run id.",
                remedy="Use small letters, digits and `-` (up to 64).",
            )
        cluster = self._cluster(spec)

        def attempt() -> Submission:
            inputs = inputs_of(self.client, spec)
            where = Where(self.place.image, cluster)
            plan = plan_job(name, spec, where, code_sha256=code_sha256, inputs=inputs)
            known = known_job(self.client, name)
            if known is not None:
                return _adopted(known, plan)
            self._check_cluster(plan)
            grant = self._demand_grant(plan)
            return self._put(plan, as_command(plan, spec, code, grant.requester))

        return self._patiently(attempt)

    def _cluster(self, spec: RunSpec) -> str:
        try:
            entries = read_clusters(self.place.clusters_file)
            return find_cluster(entries, spec.compute.sku, spec.compute.priority)
        except ClustersError as error:
            raise RefusedError(
                str(error), remedy="Change the run, or let an administrator add the cluster."
            ) from error

    def _patiently(self, attempt: Callable[[], Submission]) -> Submission:
        """Try again while Azure or the bot is away; every try begins with a look by name."""
        for pause_s in (*PAUSES_S, None):
            try:
                return attempt()
            except AzureError as error:
                trouble = explained(error, "submitting the job")
                if not isinstance(trouble, AwayError) or pause_s is None:
                    raise trouble from error
            except AwayError as error:
                trouble = error
                if pause_s is None:
                    raise
            log.warning("%s Trying again in %.0f s.", trouble.message, pause_s)
            self.pause(pause_s)
        raise AssertionError  # the last pause is None

    def _check_cluster(self, plan: JobPlan) -> None:
        try:
            compute = self.client.compute.get(plan.cluster)
        except ResourceNotFoundError as error:
            raise RefusedError(
                f"The workspace has no cluster {plan.cluster}, which the clusters' file names.",
                remedy="Create it, or correct manifests/azureml/clusters.yaml.",
            ) from error
        most = getattr(compute, "max_instances", None)
        if most is not None and plan.nodes > most:
            raise RefusedError(
                f"The run wants {plan.nodes} nodes and the cluster {plan.cluster} has at most "
                f"{most}.",
                remedy="Lower compute.nodes, or let an administrator enlarge the cluster.",
            )

    def _demand_grant(self, plan: JobPlan) -> GrantClaims:
        request = GrantRequest(
            name=plan.name,
            spec_sha256=plan.spec_sha256,
            code_sha256=plan.code_sha256,
            image=plan.image,
        )
        return obtain(request, self.place, self.credential)

    def _put(self, plan: JobPlan, job: Command) -> Submission:
        try:
            made = self.client.jobs.create_or_update(job)
        except HttpResponseError as error:
            known = known_job(self.client, plan.name) if _is_taken(error) else None
            if known is None:
                raise
            return _adopted(known, plan)
        return Submission(plan.name, is_new=True, url=_url(made))


def _is_taken(error: HttpResponseError) -> bool:
    """Return whether a job of that name is there, put by an earlier try or by others."""
    return error.status_code == 409 or has_code(error, TAKEN)


def _adopted(known: Job, plan: JobPlan) -> Submission:
    found = (known.tags or {}).get(Tag.FINGERPRINT.value)
    if found != plan.fingerprint:
        raise RefusedError(
            f"The workspace has a job {plan.name} already, and it is another one (fingerprint "
            f"{(found or 'none')[:12]}, this one {plan.fingerprint[:12]}).",
            remedy="Give the changed run an id of its own.",
        )
    return Submission(plan.name, is_new=False, url=_url(known))


def _url(job: Job) -> str:
    return str(getattr(job, "studio_url", None) or "")
