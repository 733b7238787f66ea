"""What Azure ML says of a job, as the bot sees it; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from bot.domain.redact import redact
from bot.domain.run import JobSeen, JobState
from trainer.contract.azure_job import Tag
from trainer.contract.failure import EXIT_CODES, Failure, FailureKind

# learn.microsoft.com/python/api/azure-ai-ml/azure.ai.ml.entities.job: `status`
_STATES = {
    "NotStarted": JobState.WAITING,
    "Starting": JobState.WAITING,
    "Provisioning": JobState.WAITING,
    "Preparing": JobState.WAITING,
    "Queued": JobState.WAITING,
    "Paused": JobState.WAITING,
    "Unknown": JobState.WAITING,
    "Running": JobState.RUNNING,
    "Finalizing": JobState.RUNNING,
    "NotResponding": JobState.RUNNING,
    "CancelRequested": JobState.RUNNING,
    "Completed": JobState.SUCCEEDED,
    "Failed": JobState.FAILED,
    "Canceled": JobState.CANCELLED,
}
ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
# [guess] Never seen in a recording: how a restart of the service's own shows.
RETRIES = "azureml.retryCount"
# Errors of the service itself; the user's own are UserError.
_OF_THE_PLATFORM = frozenset(
    {"SystemError", "ServiceError", "InternalError", "ServiceInternalError"}
)
_EXIT = re.compile(
    r"exited with (?:status |exit )?code (-?\d+)|exit code[: ]+(-?\d+)", re.IGNORECASE
)
_RESUMABLE = EXIT_CODES[FailureKind.PREEMPTED]
_LONGEST = 400  # characters of the service's words
_PREPARING = {
    "Starting": "The service is accepting the job.",
    "NotStarted": "The service is accepting the job.",
    "Preparing": "The service is preparing the job's image and code.",
    "Provisioning": "The cluster is starting a node for it, which takes some minutes.",
}


@dataclass(frozen=True)
class History:
    """What run history adds: when it ran, why it waits, what went wrong."""

    started_at: datetime | None = None
    ended_at: datetime | None = None
    error_code: str = ""
    error: str = ""
    waits_for: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> "History":
        """Read a run of run history."""
        error = (said.get("error") or {}).get("error") or {}
        waiting = said.get("queueingInfo") or {}
        return cls(
            started_at=time_of(said.get("startTimeUtc")),
            ended_at=time_of(said.get("endTimeUtc")),
            error_code=str(error.get("code") or ""),
            error=str(error.get("message") or ""),
            waits_for=str(waiting.get("message") or ""),
            tags=dict(said.get("tags") or {}),
        )


@dataclass(frozen=True)
class Job:
    """What the job itself says."""

    name: str
    status: str
    cluster: str = ""
    nodes: int = 1
    url: str | None = None
    made_at: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Any) -> "Job":
        """Read a job of azure-ai-ml, which types it as any kind of job."""
        resources = getattr(found, "resources", None)
        return cls(
            name=str(found.name),
            status=str(getattr(found.status, "value", found.status) or "Unknown"),
            cluster=str(getattr(found, "compute", None) or "").rpartition("/")[2],
            nodes=int(getattr(resources, "instance_count", None) or 1),
            url=_page(getattr(found, "studio_url", None)),
            made_at=getattr(getattr(found, "creation_context", None), "created_at", None),
            tags=dict(found.tags or {}),
            properties=dict(found.properties or {}),
        )

    @property
    def state(self) -> JobState:
        """Return the state; a status that is new to us counts as waiting."""
        return _STATES.get(self.status, JobState.WAITING)

    @property
    def attempt(self) -> int:
        """Return which attempt runs, is due or was the last.

        The trainer tags its job as it begins; a waiting job with that tag was interrupted.
        """
        retried = _number(self.properties.get(RETRIES)) + 1
        begun = _number(self.tags.get(Tag.ATTEMPT.value))
        if self.state is JobState.WAITING and begun:
            begun += 1
        return max(1, retried, begun)


def seen_of(job: Job, history: History, *, why_waiting: str = "", attempt: int = 1) -> JobSeen:
    """Return the job as the port tells it; `attempt` is the highest that was seen before."""
    job = replace(job, tags={**job.tags, **history.tags})
    state = job.state
    is_cancelling = job.status == "CancelRequested" and history.started_at is None
    if is_cancelling:
        state = JobState.WAITING
    seen = JobSeen(
        state=state,
        attempt=max(attempt, job.attempt),
        started_at=history.started_at,
        ended_at=history.ended_at if state in ENDED else None,
        busy_s=_busy_s(state, history, datetime.now(UTC)),
        why_waiting=why_waiting if state is JobState.WAITING else "",
        url=job.url,
    )
    if state is JobState.FAILED:
        return _failed(seen, job, history)
    if state is JobState.CANCELLED and history.error:
        return replace(seen, fault=_short(history.error))
    return replace(seen, exit_code=0) if state is JobState.SUCCEEDED else seen


def preparing(job: Job) -> str:
    """Return what the service is doing with a job that waits for nothing but it."""
    return _PREPARING.get(job.status, "")


def _failed(seen: JobSeen, job: Job, history: History) -> JobSeen:
    """Return why: by the trainer's own word, by the exit code, else by the service's words."""
    code = exit_code(job, history.error)
    failure = failure_of(job.tags)
    by_platform = code is None and failure is None and history.error_code in _OF_THE_PLATFORM
    fault = None
    if failure is not None:
        fault = f"{failure.message} {failure.remedy}"
    elif code is None:
        fault = _short(history.error) or "Azure Machine Learning says no more than that it failed."
    return replace(seen, exit_code=code, fault=fault, is_lost=by_platform or code == _RESUMABLE)


def failure_of(tags: Mapping[str, str]) -> Failure | None:
    """Return the trainer's own word on why it failed."""
    text = tags.get(Tag.FAILURE.value)
    try:
        return Failure.model_validate_json(text) if text else None
    except ValidationError:
        return None


def exit_code(job: Job, error: str) -> int | None:
    """Return the exit code of the job's process, from its tag or from the service's sentence."""
    tagged = job.tags.get(Tag.EXIT_CODE.value, "")
    if tagged.isdigit():
        return int(tagged)
    found = _EXIT.search(error)
    return int(found[1] or found[2]) if found else None


def time_of(text: Any) -> datetime | None:
    """Return a time of the service's, in UTC."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _busy_s(state: JobState, history: History, now: datetime) -> float:
    """Return the seconds since the first start; pauses between attempts are in them."""
    if history.started_at is None:
        return 0.0
    ended_at = history.ended_at if state in ENDED and history.ended_at is not None else now
    return max(0.0, (ended_at - history.started_at).total_seconds())


def _page(url: str | None) -> str | None:
    """Return the job's page; the SDK adds the tenant to an address that has it already."""
    if url is None:
        return None
    address, _, query = url.partition("?")
    return f"{address}?{'&'.join(dict.fromkeys(query.split('&')))}" if query else address


def _short(text: str) -> str:
    line = " ".join(redact(text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]} ..."


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
