"""deploy.yml, interpreted whole, with stand-ins for `az` and `curl`: what is called, and when."""

import json
import os
import shutil
import stat
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.local.interpreter.agent import Setting, run_variables
from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.plan import plan
from bot.adapters.local.interpreter.runner import run_plan
from bot.adapters.local.interpreter.stop import Stop
from bot.adapters.local.interpreter.timeline import Timeline
from bot.adapters.local.interpreter.workspace import Revision
from bot.adapters.local.processes import new_mark

FILE = "azure-pipelines/deploy.yml"
GIVEN = {"registry": "crkrsp"}
DIGEST = "sha256:" + "a" * 64
OLD, APP = "ca-krsp--b1", "ca-krsp"

# Answers by what the arguments hold, first match first; `FAIL` is an exit code of 1. Each call is a
# line of `calls`. State lives in files: the first deployment makes `app`.
AZ = """#!/bin/bash
printf '%s\\n' "$*" >> "$FAKE/calls"
reply=$(python3 - "$FAKE" "$*" <<'PY'
import json, pathlib, sys
folder, asked = pathlib.Path(sys.argv[1]), sys.argv[2]
made = folder / "app"
if asked.startswith("deployment group create"):
    made.touch()
for pattern, answer in json.loads((folder / "answers").read_text()):
    if pattern in asked:
        print(answer)
        break
else:
    if asked.startswith(("containerapp list", "containerapp job list")):
        print(("caj-migrate" if "job" in asked else "ca-krsp") if made.exists() else "")
PY
)
[ "$reply" != FAIL ] || { echo "az: failed" >&2; exit 1; }
[ -z "$reply" ] || echo "$reply"
"""
CURL = """#!/bin/bash
host=${*: -1}
printf 'curl %s\\n' "$host" >> "$FAKE/calls"
! grep -qF "$host" "$FAKE/unready"
"""
ANSWERS = [
    ("acr repository show", DIGEST),
    ("acr show", "crkrsp.azurecr.io"),
    ("traffic[?weight", OLD),
    ("latestReadyRevisionName", OLD),
    ("job start", "caj-migrate-x1"),
    ("job execution show", "Succeeded"),
    ("revision show", "ca-krsp--new.example.net"),
    ("configuration.ingress.fqdn", "krsp.example.net"),
]


@dataclass
class Cloud:
    """What the stand-ins answer, and what they were asked."""

    folder: Path
    answers: list[tuple[str, str]] = field(default_factory=lambda: list(ANSWERS))

    def prepare(self, *, has_app: bool = True, unready: str = "") -> None:
        (self.folder / "calls").write_text("")
        (self.folder / "unready").write_text(unready or "nothing")
        (self.folder / "answers").write_text(json.dumps(self.answers))
        if has_app:
            (self.folder / "app").touch()
        for name, text in (("az", AZ), ("curl", CURL)):
            tool = self.folder / "bin" / name
            tool.parent.mkdir(exist_ok=True)
            tool.write_text(text)
            tool.chmod(tool.stat().st_mode | stat.S_IXUSR)

    def fail(self, pattern: str) -> None:
        self.answers.insert(0, (pattern, "FAIL"))

    def environment(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        stand_ins = {"PATH": path, "FAKE": str(self.folder), "PATIENCE": "2", "PAUSE_S": "0"}
        return {**os.environ, **stand_ins}

    def calls(self, *words: str) -> list[str]:
        """Return the calls that hold any of the words, in order."""
        lines = (self.folder / "calls").read_text().splitlines()
        return [line for line in lines if any(word in line for word in words)]


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    folder = tmp_path / "cloud"
    folder.mkdir()
    return Cloud(folder)


@pytest.fixture
def run(tmp_path: Path, repository: Path, cloud: Cloud) -> Callable[..., Any]:
    """Return a function that runs deploy.yml to its end and returns result and log."""
    checkout = tmp_path / "repository"
    shutil.copytree(repository / "azure-pipelines", checkout / "azure-pipelines")
    subprocess.run(["git", "init", "--quiet", str(checkout)], check=True)

    async def go(**prepared: Any) -> tuple[str, str]:
        cloud.prepare(**prepared)
        folder = tmp_path / "home" / "pipelines" / "run-1"
        setting = Setting(
            run_id="run-1",
            repository=checkout,
            pipeline=FILE,
            folder=folder,
            home=None,
            requested_by="ada",
            revision=Revision("c0ffee", "refs/heads/main"),
            environment=cloud.environment(),
            mark=new_mark(),
            grace_s=1.0,
        )
        planned = plan(load(checkout, FILE, GIVEN, run_variables(setting)))
        (folder / "logs").mkdir(parents=True)
        timeline = Timeline(folder / "state.json", planned, time.time)
        stop = Stop()
        try:
            result = await run_plan(planned, setting, timeline, stop)
        finally:
            stop.close()
        return str(result).lower(), "\n".join(
            path.read_text() for path in sorted(folder.rglob("*.log"))
        )

    return go


async def test_a_deployment_migrates_proves_and_only_then_moves_people(
    run: Callable[..., Any], cloud: Cloud
) -> None:
    result, log = await run()
    assert result == "succeeded", log
    order = cloud.calls(
        "acr build",
        "what-if",
        "job start",
        "group create",
        "curl",
        "traffic set",
        "deactivate",
    )
    said = [" ".join(line.split()[:3]) for line in order]
    assert said == [
        *["acr build --registry"] * 3,
        "deployment group what-if",
        "containerapp job start",
        "deployment group create",
        "curl https://ca-krsp--new.example.net/readyz",
        "containerapp ingress traffic",
        "curl https://krsp.example.net/readyz",
        "containerapp revision deactivate",
    ]


async def test_images_are_deployed_by_digest_and_beside_the_old_revision(
    run: Callable[..., Any], cloud: Cloud
) -> None:
    await run()
    (create,) = cloud.calls("group create")
    assert f"botImage=crkrsp.azurecr.io/krsp-bot@{DIGEST}" in create
    assert f"trainerImage=crkrsp.azurecr.io/krsp-trainer@{DIGEST}" in create
    assert f"trafficRevision={OLD}" in create


async def test_the_first_deployment_makes_the_store_after_the_app(
    run: Callable[..., Any], cloud: Cloud
) -> None:
    result, log = await run(has_app=False)
    assert result == "succeeded", log
    order = [line.split()[2] for line in cloud.calls("job start", "group create", "traffic set")]
    assert order == ["create", "start", "traffic"]
    assert cloud.calls("deactivate") == []


async def test_a_revision_that_is_not_ready_never_gets_people(
    run: Callable[..., Any], cloud: Cloud
) -> None:
    result, log = await run(unready="https://ca-krsp--new.example.net/readyz")
    assert result == "failed"
    assert "is not ready at https://ca-krsp--new.example.net/readyz" in log
    (switched,) = cloud.calls("traffic set")
    assert f"--revision-weight {OLD}=100" in switched
    assert cloud.calls("revision deactivate")[0].find("--revision ca-krsp--b") > 0


async def test_people_go_back_when_the_bot_does_not_answer_after_the_switch(
    run: Callable[..., Any], cloud: Cloud
) -> None:
    result, _ = await run(unready="https://krsp.example.net/readyz")
    assert result == "failed"
    there, back = cloud.calls("traffic set")
    assert "--revision-weight ca-krsp--b" in there
    assert f"--revision-weight {OLD}=100" in back
    assert cloud.calls("revision activate")


@pytest.mark.parametrize("status", ["Failed", "Running"])
async def test_a_migration_that_fails_or_hangs_deploys_nothing(
    run: Callable[..., Any], cloud: Cloud, status: str
) -> None:
    cloud.answers.insert(0, ("job execution show", status))
    result, log = await run()
    assert result == "failed"
    assert f"The migration caj-migrate-x1 ended as {status}" in log
    assert cloud.calls("group create", "traffic set") == []


async def test_a_deployment_that_fails_half_way_is_put_away(
    run: Callable[..., Any], cloud: Cloud
) -> None:
    cloud.fail("group create")
    result, _ = await run()
    assert result == "failed"
    assert f"{OLD}=100" in cloud.calls("traffic set")[0]


async def test_an_image_without_digest_is_not_deployed(
    run: Callable[..., Any], cloud: Cloud
) -> None:
    cloud.answers.insert(0, ("acr repository show", ""))
    result, log = await run()
    assert result == "failed"
    assert "no digest" in log
    assert cloud.calls("deployment group") == []


def test_an_unknown_step_is_refused(repository: Path) -> None:
    script = repository / "azure-pipelines" / "templates" / "deploy.sh"
    done = subprocess.run(
        ["bash", str(script), "destroy"],
        env={"RESOURCE_GROUP": "rg", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "not 'destroy'" in done.stdout


def test_an_approver_of_the_environment_decides(repository: Path) -> None:
    stages = plan(load(repository, FILE, GIVEN, {})).stages
    places = {stage.name: [job.environment for job in stage.jobs] for stage in stages}
    assert places == {"build": [""], "preview": [""], "deploy": ["krsp-production"]}
