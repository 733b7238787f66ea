"""The agent: runs one attempt of one run by our own interpreter, in a process of its own.

Started as `python -m tests.azure_twin.devops.agent FOLDER`. It talks with the service in JSON
lines: to stdout `timeline` (after each change), `gate` (may this stage begin?) and `end`; from
stdin `gate` (the answer) and `cancel`. When stdin ends the service is gone, and so is the run.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from typing_extensions import override

from bot.adapters.local.interpreter.agent import Service, Setting, run_variables
from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.plan import Plan, Stage, plan
from bot.adapters.local.interpreter.runner import run_stages
from bot.adapters.local.interpreter.status import Outcome, Result, overall
from bot.adapters.local.interpreter.stop import Stop
from bot.adapters.local.interpreter.timeline import Record, Timeline
from bot.adapters.local.interpreter.variables import Variable
from bot.adapters.local.interpreter.workspace import Revision

REQUEST = "request.json"
GRACE_S = 10.0  # from SIGTERM to SIGKILL for a step, as on a hosted agent
LATE_S = 300.0  # what `condition: always()` may take after a cancel


def say(kind: str, **values: Any) -> None:
    """Tell the service one thing."""
    sys.stdout.write(json.dumps({"kind": kind, **values}) + "\n")
    sys.stdout.flush()


def stamp() -> str:
    """Return the time that stands before each line of a log."""
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond:06d}0Z "


class ToldTimeline(Timeline):
    """A timeline whose every change is told to the service."""

    @override
    def save(self) -> None:
        super().save()
        say("timeline", document=self._document())


@dataclass
class Desk:
    """What stands at the other end of stdin: answers to our questions, and the order to cancel."""

    stop: Stop
    answers: dict[str, "asyncio.Future[Result | None]"] = field(default_factory=dict)

    async def gate(self, stage: Stage) -> Result | None:
        future = asyncio.get_running_loop().create_future()
        self.answers[stage.name] = future
        say("gate", stage=stage.name)
        return await future

    async def listen(self) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            self._hear(json.loads(line))
        self.stop.ask(0)

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message["kind"] == "cancel":
            self.stop.ask(LATE_S)
            return
        future = self.answers.get(message["stage"])
        if future is not None and not future.done():
            said = message["result"]
            future.set_result(None if said is None else Result(said))


async def work(folder: Path) -> None:
    """Run the attempt in `folder`, and say how it ended."""
    request = json.loads((folder / REQUEST).read_text(encoding="utf-8"))
    stop = Stop()
    desk = Desk(stop)
    listens = asyncio.create_task(desk.listen())
    setting = make_setting(folder, request, desk)
    try:
        planned = make_plan(setting, request)
        timeline = make_timeline(folder, planned, request)
        outcomes = await run_stages(planned, setting, timeline, stop)
        result = overall(outcome.result for outcome in outcomes.values())
        say("end", result=str(result), outcomes={n: asdict(o) for n, o in outcomes.items()})
    finally:
        stop.close()
        listens.cancel()
        await asyncio.gather(listens, return_exceptions=True)


def make_setting(folder: Path, request: Mapping[str, Any], desk: Desk) -> Setting:
    jobs, oidc = request["jobs"], request["oidc"]

    def job_variables(stage: str, job: str) -> dict[str, str]:
        identifier = jobs[f"{stage}.{job}"]
        return {"System.JobId": identifier, "System.OidcRequestUri": oidc.format(job=identifier)}

    service = Service(
        variables=tuple(Variable(**each) for each in request["variables"]),
        job_variables=job_variables,
        connections=request["connections"],
        gate=desk.gate,
        earlier={name: read_outcome(each) for name, each in request["earlier"].items()},
        log_prefix=stamp,
    )
    return Setting(
        run_id=request["number"],
        repository=Path(request["repository"]),
        pipeline=request["pipeline"],
        folder=folder,
        home=None,
        requested_by=request["requested_for"],
        revision=Revision(request["commit"], request["branch"]),
        environment=dict(os.environ),
        mark=request["mark"],
        grace_s=GRACE_S,
        service=service,
    )


def make_plan(setting: Setting, request: Mapping[str, Any]) -> Plan:
    document = load(
        setting.repository,
        setting.pipeline,
        request["parameters"],
        run_variables(setting),
        groups=frozenset(request["groups"]),
    )
    return plan(document)


def make_timeline(folder: Path, planned: Plan, request: Mapping[str, Any]) -> Timeline:
    """Return a timeline in which stages of an earlier attempt stand as they ended."""
    (folder / "logs").mkdir(exist_ok=True)
    timeline = ToldTimeline(folder / "state.json", planned, time.time)
    timeline.tags = list(request["tags"])
    timeline.stages = [
        read_record(request["records"][stage.name]) if stage.name in request["records"] else stage
        for stage in timeline.stages
    ]
    return timeline


def read_record(document: Mapping[str, Any]) -> Record:
    children = [read_record(child) for child in document["children"]]
    result = document["result"] and Result(document["result"])
    return Record(**{**document, "result": result, "children": children})


def read_outcome(document: Mapping[str, Any]) -> Outcome:
    jobs = {name: read_outcome(each) for name, each in document["jobs"].items()}
    return Outcome(Result(document["result"]), document["outputs"], jobs)


if __name__ == "__main__":
    asyncio.run(work(Path(sys.argv[1])))
