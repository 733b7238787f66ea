"""What service hooks tell of a run, a stage, a job and an approval."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.azure_twin.devops.answers import lower, stamp
from tests.azure_twin.devops.checks import Approval
from tests.azure_twin.devops.documents import run_reference
from tests.azure_twin.devops.model import COMPLETED, Run
from tests.azure_twin.devops.timeline import STATES
from tests.azure_twin.world import DEVOPS_URL, ORGANISATION_ID, PROJECT, PROJECT_ID

RUN = "ms.vss-pipelines.run-state-changed-event"
STAGE = "ms.vss-pipelines.stage-state-changed-event"
JOB = "ms.vss-pipelines.job-state-changed-event"
APPROVAL_PENDING = "ms.vss-pipelinechecks-events.approval-pending"
APPROVAL_COMPLETED = "ms.vss-pipelinechecks-events.approval-completed"
KINDS = (RUN, STAGE, JOB, APPROVAL_PENDING, APPROVAL_COMPLETED)

Document = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One thing that happened. `facts` are what a subscription's filters are compared with."""

    kind: str
    text: str
    run: Run
    resource: Document
    facts: Document
    at: float

    def document(self) -> Document:
        """Return what is sent, without what belongs to one subscription."""
        text = self.text
        marked = text.replace(self.run.number, f"[{self.run.number}]({self.run.web_url()})", 1)
        html = text.replace(
            self.run.number, f'<a href="{self.run.web_url()}">{self.run.number}</a>', 1
        )
        message = {"text": text, "html": html, "markdown": marked}
        return {
            "id": str(uuid.uuid4()),
            "eventType": self.kind,
            "publisherId": "pipelines",
            "message": message,
            "detailedMessage": dict(message),
            "resource": self.resource,
            "resourceVersion": "5.1-preview.1",
            "resourceContainers": {
                "collection": {"id": ORGANISATION_ID, "baseUrl": f"{DEVOPS_URL}/"},
                "account": {"id": ORGANISATION_ID, "baseUrl": f"{DEVOPS_URL}/"},
                "project": {"id": PROJECT_ID, "baseUrl": f"{DEVOPS_URL}/"},
            },
            "createdDate": stamp(self.at),
        }


def run_event(run: Run, at: float) -> Event:
    word = run.result if run.status == COMPLETED else "in progress"
    reference = run_reference(run)
    facts = {"runStateId": _state_id(run.status), "runResultId": _id(run.result)}
    resource = {"run": reference, "pipeline": run.definition.reference(), **_repositories(run)}
    return Event(RUN, f"Run {run.number} {word}.", run, resource, facts, at)


def changes(run: Run, old: Document, new: Document, at: float) -> Iterator[Event]:
    """Yield an event for each stage and job whose state differs between two timelines."""
    for stage, before in zip(new["stages"], old["stages"], strict=True):
        if stage["state"] != before["state"]:
            yield _stage(run, stage, at)
        for job, earlier in zip(stage["children"], before["children"], strict=True):
            if job["state"] != earlier["state"]:
                yield _job(run, stage, job, at)


def _stage(run: Run, stage: Document, at: float) -> Event:
    told = _told(run, stage)
    resource = {
        "stage": told,
        "run": run_reference(run),
        "pipeline": run.definition.reference(),
        **_repositories(run),
    }
    facts = {
        "stageNameId": stage["name"],
        "stageStateId": _id(told["state"]),
        "stageResultId": _id(told["result"]),
    }
    word = told["result"] or told["state"]
    return Event(STAGE, f"Run {run.number} stage {stage['name']} {word}.", run, resource, facts, at)


def _told(run: Run, stage: Document) -> Document:
    """Return a stage as its own events and those of its jobs tell it."""
    return {
        "_links": _links(run),
        "id": run.record_id("stage", stage["name"], str(run.attempt.number)),
        "name": stage["name"],
        "displayName": stage["display_name"] or None,
        "attempt": run.attempt.number,
        "state": _event_state(STATES[stage["state"]]),
        "result": stage["result"] and lower(stage["result"]),
    }


def _job(run: Run, stage: Document, job: Document, at: float) -> Event:
    state, result = STATES[job["state"]], job["result"] and lower(job["result"])
    resource = {
        "job": {
            "_links": _links(run),
            "id": run.record_id("job", stage["name"], job["name"], str(run.attempt.number)),
            "name": job["name"],
            "state": _event_state(state),
            "result": result,
            "startTime": stamp(job["started_at"]),
            "finishTime": stamp(job["ended_at"]),
            "attempt": run.attempt.number,
        },
        "stage": _told(run, stage),
        "run": run_reference(run),
        "pipeline": run.definition.reference(),
        **_repositories(run),
    }
    facts = {
        "stageNameId": stage["name"],
        "jobNameId": job["name"],
        "jobStateId": _id(_event_state(state)),
        "jobResultId": _id(result),
    }
    text = f"Run {run.number} stage {stage['name']} job {job['name']} {result or state}."
    return Event(JOB, text, run, resource, facts, at)


def approval_event(what: str, approval: Approval, at: float) -> Event:
    """Return the event of an approval that is `pending` or `completed`."""
    kind = APPROVAL_PENDING if what == "pending" else APPROVAL_COMPLETED
    run, environment = approval.run, approval.environment
    resource = {
        "approval": approval.document(),
        "projectId": PROJECT_ID,
        "pipeline": run.definition.reference(),
        "stage": {"name": approval.stage, "attempt": run.attempt.number},
        "run": run_reference(run),
        "resource": {"type": "environment", "id": str(environment.id), "name": environment.name},
        "id": run.id,
        "url": run.web_url(),
        "stageName": approval.stage,
        "attemptId": run.attempt.number,
    }
    facts = {"stageNameId": approval.stage, "environmentName": environment.name}
    text = (
        f"Approval {what} for deployment of pipeline {run.number} "
        f"to environment {environment.name}."
    )
    return Event(kind, text, run, resource, facts, at)


def _links(run: Run) -> Document:
    web = f"{DEVOPS_URL}/{PROJECT_ID}/_build/definition?definitionId={run.definition.id}"
    return {"web": {"href": run.web_url()}, "pipeline.web": {"href": web}}


def _repositories(run: Run) -> Document:
    change = {
        "author": {"name": run.cause.requested_for.name, "date": stamp(run.queued_at)},
        "version": run.cause.commit,
    }
    url = f"{DEVOPS_URL}/{PROJECT}/_git/{PROJECT}"
    return {"repositories": [{"type": "Git", "change": change, "url": url}]}


def _event_state(state: str) -> str:
    """Return a stage's state in an event's words."""
    return {"pending": "waiting", "inProgress": "running"}.get(state, state)


def _state_id(status: str) -> str:
    return {"inProgress": "InProgress", "cancelling": "Canceling", "completed": "Completed"}.get(
        status, "NotStarted"
    )


def _id(word: str | None) -> str:
    """Return a filter's value for a word: succeeded is Succeeded."""
    return word[:1].upper() + word[1:] if word else ""
