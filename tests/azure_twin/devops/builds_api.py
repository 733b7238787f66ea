"""The build API: builds with filters, cancel, timeline, logs, tags, artifacts, retry of a stage."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.azure_twin.devops import locations
from tests.azure_twin.devops.answers import (
    BUILD,
    RefusalError,
    answer,
    collection,
    no_content,
    seconds_of,
    stamp,
)
from tests.azure_twin.devops.calls import Call, Handlers, bad_request
from tests.azure_twin.devops.documents import build_document
from tests.azure_twin.devops.logs import line_count, lines
from tests.azure_twin.devops.model import API, CANCELLING, LogFile, Run
from tests.azure_twin.devops.organisation import Organisation
from tests.azure_twin.devops.people import EDIT, QUEUE, STOP, VIEW, demand
from tests.azure_twin.devops.runs import Runs
from tests.azure_twin.devops.timeline import timeline

MOST = 5000
USUAL = 1000
CONTINUES = "X-MS-ContinuationToken"


@dataclass
class BuildsApi:
    organisation: Organisation
    runs: Runs

    def handlers(self) -> Handlers:
        return {
            (locations.BUILDS, "GET"): self.builds,
            (locations.BUILDS, "PATCH"): self.update,
            (locations.TIMELINE, "GET"): self.timeline,
            (locations.LOGS, "GET"): self.logs,
            (locations.TAGS, "GET"): self.tags,
            (locations.TAGS, "PUT"): self.add_tag,
            (locations.TAGS, "POST"): self.add_tags,
            (locations.TAGS, "DELETE"): self.delete_tag,
            (locations.ARTIFACTS, "GET"): self.artifacts,
            (locations.STAGES, "PATCH"): self.stage,
        }

    async def builds(self, call: Call) -> web.Response:
        if "buildId" in call.values:
            return answer(build_document(self._run(call, VIEW)))
        wanted = [run for run in self.organisation.runs.values()
                  if call.member.may(VIEW, run.definition.id) and _passes(call, run)]  # fmt: skip
        ordered = _ordered(call, wanted)
        start = call.number("continuationToken", 0)
        top = min(call.number("$top", USUAL), MOST)
        page = ordered[start : start + top]
        found = collection([build_document(run) for run in page])
        if start + top < len(ordered):
            found.headers[CONTINUES] = str(start + top)
        return found

    async def update(self, call: Call) -> web.Response:
        """Cancel a build; another change of a build is none that the twin does."""
        run = self._run(call, STOP)
        if str(call.mapping().get("status", "")).lower() != CANCELLING:
            raise bad_request("The twin changes builds only to the status Cancelling.")
        self.runs.cancel(run)
        return answer(build_document(run))

    async def timeline(self, call: Call) -> web.Response:
        run = self._run(call, VIEW)
        asked = call.values.get("timelineId", str(run.plan_id))
        if asked.lower() != str(run.plan_id):
            raise RefusalError(
                404, f"{BUILD}.TimelineNotFoundException", f"Timeline {asked} was not found."
            )
        if call.number("changeId", 0) >= run.change:
            return no_content()
        return answer(timeline(run, self.runs.checks))

    async def logs(self, call: Call) -> web.Response:
        run = self._run(call, VIEW)
        if "logId" not in call.values:
            return collection([_log(run, log) for log in run.logs])
        number = call.id("logId")
        log = next((each for each in run.logs if each.id == number), None)
        if log is None:
            raise RefusalError(
                404,
                f"{BUILD}.BuildLogNotFoundException",
                f"The log with id {number} does not exist for build {run.id}.",
            )
        found = _slice(call, lines(log))
        if "text/plain" in call.request.headers.get("Accept", ""):
            return web.Response(text="".join(f"{line}\n" for line in found))
        return collection(found)

    async def tags(self, call: Call) -> web.Response:
        return collection(self._run(call, VIEW).tags)

    async def add_tag(self, call: Call) -> web.Response:
        return self._add(call, [call.values["tag"]])

    async def add_tags(self, call: Call) -> web.Response:
        return self._add(call, [str(tag) for tag in call.body or []])

    def _add(self, call: Call, tags: Iterable[str]) -> web.Response:
        run = self._run(call, EDIT)
        run.tags += [tag for tag in dict.fromkeys(tags) if tag not in run.tags]
        run.deleted_tags -= set(run.tags)
        return collection(run.tags)

    async def delete_tag(self, call: Call) -> web.Response:
        run, tag = self._run(call, EDIT), call.values["tag"]
        run.tags[:] = [each for each in run.tags if each != tag]
        run.deleted_tags.add(tag)
        return collection(run.tags)

    async def artifacts(self, call: Call) -> web.Response:
        run = self._run(call, VIEW)
        folder = run.attempt.folder / "artifacts"
        names = sorted(path.name for path in folder.glob("*")) if folder.exists() else []
        return collection([_artifact(run, number, name) for number, name in enumerate(names, 1)])

    async def stage(self, call: Call) -> web.Response:
        """Retry a stage; to cancel one alone is nothing that the twin does."""
        run = self._run(call, QUEUE)
        if str(call.mapping().get("state", "")).lower() not in {"retry", "1"}:
            raise bad_request("The twin only retries stages.")
        self.runs.retry(run, call.values.get("stageRefName", ""))
        return no_content()

    def _run(self, call: Call, right: str) -> Run:
        run = self.organisation.build(call.id("buildId"))
        demand(call.member, right, (run.definition.id, run.definition.name))
        return run


def _passes(call: Call, run: Run) -> bool:
    return all(passes(call, run) for passes in _FILTERS)


def _by_number(call: Call, run: Run) -> bool:
    wanted = call.query("buildNumber")
    if wanted.endswith("*"):
        return run.number.lower().startswith(wanted[:-1].lower())
    return not wanted or run.number.lower() == wanted.lower()


def _by_status(call: Call, run: Run) -> bool:
    wanted = {each.strip().lower() for each in call.listed("statusFilter")}
    return not wanted or "all" in wanted or run.status.lower() in wanted


def _by_result(call: Call, run: Run) -> bool:
    wanted = {each.strip().lower() for each in call.listed("resultFilter")}
    return not wanted or (run.result or "").lower() in wanted


def _by_time(call: Call, run: Run) -> bool:
    """Compare the time by which the answer is ordered."""
    moment = _moment(call, run)
    after, before = call.query("minTime"), call.query("maxTime")
    if not after and not before:
        return True
    if moment is None:
        return False
    late_enough = not after or moment >= seconds_of(after)
    return late_enough and (not before or moment <= seconds_of(before))


_FILTERS: tuple[Callable[[Call, Run], bool], ...] = (
    lambda call, run: _in(call, "definitions", str(run.definition.id)),
    lambda call, run: _in(call, "buildIds", str(run.id)),
    lambda call, run: set(call.listed("tagFilters")) <= set(run.tags),
    lambda call, run: _is(call, "reasonFilter", run.cause.reason),
    lambda call, run: _is(call, "branchName", run.cause.branch),
    _by_number,
    _by_status,
    _by_result,
    _by_time,
)


def _in(call: Call, name: str, value: str) -> bool:
    wanted = call.listed(name)
    return not wanted or value in wanted


def _is(call: Call, name: str, value: str) -> bool:
    wanted = call.query(name).lower()
    return wanted in {"", "all", value.lower()}


_TIMES: dict[str, Callable[[Run], float | None]] = {
    "finishtime": lambda run: run.finished_at,
    "starttime": lambda run: run.started_at,
    "queuetime": lambda run: run.queued_at,
}


def _order(call: Call) -> tuple[str, bool]:
    """Return by which time to order, and whether the newest come first."""
    asked = call.query("queryOrder").lower()
    if not asked:
        return "queuetime", True
    for name in _TIMES:
        if asked in {f"{name}descending", f"{name}ascending"}:
            return name, asked.endswith("descending")
    raise bad_request(f"The value '{asked}' is not valid for queryOrder.")


def _moment(call: Call, run: Run) -> float | None:
    return _TIMES[_order(call)[0]](run)


def _ordered(call: Call, runs: list[Run]) -> list[Run]:
    newest_first = _order(call)[1]
    return sorted(runs, key=lambda run: (_moment(call, run) or 0.0, run.id), reverse=newest_first)


def _slice(call: Call, found: list[str]) -> list[str]:
    """Return the lines from `startLine` to `endLine`, which count from 1; 0 is the first too."""
    start = max(call.number("startLine", 1) - 1, 0)
    end = call.number("endLine", len(found))
    return found[start:end]


def _log(run: Run, log: LogFile) -> dict[str, Any]:
    return {
        "lineCount": line_count(log),
        "createdOn": stamp(log.created_at),
        "lastChangedOn": stamp(run.changed_at),
        "id": log.id,
        "type": "Container",
        "url": f"{API}/build/builds/{run.id}/logs/{log.id}",
    }


def _artifact(run: Run, number: int, name: str) -> dict[str, Any]:
    url = f"{API}/build/builds/{run.id}/artifacts?artifactName={name}"
    resource = {"type": "PipelineArtifact", "data": "", "properties": {}, "url": url}
    return {"id": number, "name": name, "source": str(run.plan_id), "resource": resource}
