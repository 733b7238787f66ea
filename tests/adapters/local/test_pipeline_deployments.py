"""Deployment jobs, the Python of a job, and what a service around the run may add to it."""

import asyncio
import dataclasses
import sys
import time

import pytest

from bot.adapters.local.interpreter.agent import Service, run_variables
from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.expand import load
from bot.adapters.local.interpreter.plan import Stage, plan
from bot.adapters.local.interpreter.runner import run_plan
from bot.adapters.local.interpreter.status import Outcome, Result
from bot.adapters.local.interpreter.tasks import python_matches
from bot.adapters.local.interpreter.timeline import Timeline
from bot.adapters.local.interpreter.variables import Variable
from tests.adapters.local.workbench import Ran, Workbench

TWO_STAGES = """
stages:
  - stage: build
    jobs:
      - job: make
        steps:
          - checkout: none
          - bash: echo made > "$BUILD_ARTIFACTSTAGINGDIRECTORY/it"
          - bash: echo "##vso[task.setvariable variable=size;isOutput=true]7"
            name: tell
          - publish: $(Build.ArtifactStagingDirectory)/it
            artifact: thing
  - stage: ship
    lockBehavior: sequential
    jobs:
      - deployment: put
        environment: production
        strategy:
          runOnce:
            deploy:
              steps:
                - bash: cat "$PIPELINE_WORKSPACE/thing/it" ||:; echo "in $(Environment.Name)"; ls
                  displayName: Show
                - bash: echo "##vso[task.setvariable variable=where;isOutput=true]there"
                  name: tell
      - job: after
        dependsOn: put
        variables:
          where: $[ dependencies.put.outputs['put.tell.where'] ]
          size: $[ stageDependencies.build.make.outputs['tell.size'] ]
        steps:
          - checkout: none
          - bash: echo "$(where) $(size)"
            displayName: Show
"""


async def ran(bench: Workbench, text: str, service: Service) -> Ran:
    """Run `text` within `service`."""
    bench.write("p.yml", text)
    setting = dataclasses.replace(bench.setting(), service=service)
    planned = plan(load(bench.repository, "p.yml", {}, run_variables(setting)))
    (setting.folder / "logs").mkdir(parents=True, exist_ok=True)
    timeline = Timeline(setting.folder / "state.json", planned, time.time)
    result = await run_plan(planned, setting, timeline, bench.stop)
    return Ran(result, timeline, setting.folder)


async def test_a_deployment_finds_what_the_run_published_and_no_sources(bench: Workbench) -> None:
    bench.write("source.txt", "")
    done = await bench.run(TWO_STAGES)
    assert done.result is Result.SUCCEEDED
    assert done.log("ship", "put", "Show").splitlines()[-1] == "in production"
    assert [step.display_name for step in done.record("ship", "put").children] == [
        "Download artifacts",
        "Show",
        "Bash",
    ]


async def test_a_deployments_outputs_carry_its_name(bench: Workbench) -> None:
    done = await bench.run(TWO_STAGES)
    assert done.log("ship", "after", "Show") == "there 7"


async def test_a_deployment_may_leave_the_download_out(bench: Workbench) -> None:
    done = await bench.run(
        """
        jobs:
          - deployment: put
            environment: {name: production}
            strategy: {runOnce: {deploy: {steps: [{download: none}, {bash: "true"}]}}}
        """
    )
    assert [step.display_name for step in done.record("__default", "put").children] == ["Bash"]


def test_a_stage_knows_its_environments_and_lock(bench: Workbench) -> None:
    stages = bench.plan(TWO_STAGES).stages
    assert [stage.lock_behavior for stage in stages] == ["", "sequential"]
    assert [job.environment for stage in stages for job in stage.jobs] == ["", "production", ""]


def test_the_lock_of_the_pipeline_is_that_of_each_stage(bench: Workbench) -> None:
    stages = bench.plan(f"lockBehavior: runLatest\n{TWO_STAGES.lstrip()}").stages
    assert [stage.lock_behavior for stage in stages] == ["runLatest", "sequential"]


@pytest.mark.parametrize(
    ("spec", "matches"),
    [("3", True), ("3.x", True), ("3.11", True), ("3.11.x", True), ("3.1", False), ("2.x", False)],
)
def test_a_version_matches_part_by_part(spec: str, matches: bool) -> None:
    assert python_matches(spec, (3, 11, 4)) is matches


async def test_the_right_python_is_used_and_another_refused(bench: Workbench) -> None:
    running = ".".join(map(str, sys.version_info[:2]))
    task = "- task: UsePythonVersion@0\n    displayName: Python\n    inputs: {versionSpec: '%s'}\n"
    good = await bench.run(f"steps:\n  - checkout: none\n  {task % running}")
    assert good.result is Result.SUCCEEDED
    bench.root = bench.root / "other"
    bad = await bench.run(f"steps:\n  - checkout: none\n  {task % '2.7'}")
    assert "Python 2.7 is asked for" in bad.log("__default", "Job", "Python")


def test_a_python_that_no_version_can_be_is_refused(bench: Workbench) -> None:
    text = "steps:\n  - task: UsePythonVersion@0\n    inputs: {versionSpec: '>=3.9'}\n"
    with pytest.raises(PipelineError, match=r"`versionSpec: >=3\.9` is not supported here"):
        bench.plan(text)


async def test_a_service_adds_variables_and_hides_its_secrets(bench: Workbench) -> None:
    service = Service(
        variables=(Variable("colour", "green"), Variable("word", "hush", secret=True)),
        job_variables=lambda stage, job: {"Where": f"{stage}/{job}"},
        log_prefix=lambda: "12:00 ",
    )
    text = """
        steps:
          - checkout: none
          - bash: echo "${{ variables.colour }} $(colour) $(word) $WHERE [$WORD]"
            displayName: Show
    """
    done = await ran(bench, text, service)
    lines = (done.folder / str(done.record("__default", "Job", "Show").log)).read_text()
    assert "12:00 green green *** __default/Job []\n" in lines


async def test_a_signed_in_step_finds_its_connection(bench: Workbench) -> None:
    text = """
        steps:
          - checkout: none
          - task: AzureCLI@2
            displayName: Signed in
            inputs:
              azureSubscription: lab
              scriptType: bash
              scriptLocation: inlineScript
              inlineScript: echo "[$WHO]"
          - bash: echo "[$WHO]"
            displayName: Not signed in
    """
    done = await ran(bench, text, Service(connections={"lab": {"WHO": "ada"}}))
    assert done.log("__default", "Job", "Signed in") == "[ada]"
    assert done.log("__default", "Job", "Not signed in") == "[]"


@pytest.mark.parametrize("said", [Result.FAILED, Result.CANCELED, Result.SKIPPED])
async def test_a_stage_behind_a_closed_gate_never_begins(bench: Workbench, said: Result) -> None:
    async def gate(stage: Stage) -> Result | None:
        return said if stage.name == "ship" else None

    done = await ran(bench, TWO_STAGES, Service(gate=gate))
    assert done.results() == {"build": "Succeeded", "ship": str(said)}
    assert done.record("ship").started_at is None


async def test_a_stage_waits_for_its_gate(bench: Workbench) -> None:
    asked, opens = asyncio.Event(), asyncio.Event()

    async def gate(stage: Stage) -> Result | None:
        if stage.name == "ship":
            asked.set()
            await opens.wait()
        return None

    running = asyncio.create_task(ran(bench, TWO_STAGES, Service(gate=gate)))
    await asked.wait()
    assert not (bench.setting().folder / "logs" / "ship.put.02-Show.log").exists()
    opens.set()
    assert (await running).result is Result.SUCCEEDED


async def test_a_run_ends_although_a_gate_is_closed(bench: Workbench) -> None:
    async def gate(stage: Stage) -> Result | None:
        if stage.name == "ship":
            bench.stop.ask(60)
            await asyncio.Event().wait()
        return None

    done = await ran(bench, TWO_STAGES, Service(gate=gate))
    assert done.results() == {"build": "Succeeded", "ship": "Canceled"}


async def test_a_run_that_is_to_end_while_a_gate_opens_ends_at_once(bench: Workbench) -> None:
    async def gate(stage: Stage) -> Result | None:
        if stage.name == "ship":
            bench.stop.ask(60)
        return None

    done = await ran(bench, TWO_STAGES, Service(gate=gate))
    assert done.results() == {"build": "Succeeded", "ship": "Canceled"}
    assert done.record("ship").started_at is None


async def test_a_job_that_begins_as_the_run_is_to_end_is_ended_too(bench: Workbench) -> None:
    def stopped(_stage: str, _job: str) -> dict[str, str]:
        bench.stop.ask(60)
        return {}

    service = Service(job_variables=stopped)
    done = await asyncio.wait_for(ran(bench, "steps:\n  - bash: sleep 50\n", service), 20)
    assert done.result is Result.CANCELED


async def test_a_stage_of_an_earlier_attempt_keeps_its_outcome(bench: Workbench) -> None:
    make = Outcome(Result.SUCCEEDED, {"tell.size": "9"})
    earlier = Outcome(Result.SUCCEEDED, {"make.tell.size": "9"}, {"make": make})
    done = await ran(bench, TWO_STAGES, Service(earlier={"build": earlier}))
    assert done.result is Result.SUCCEEDED
    assert done.log("ship", "after", "Show") == "there 9"
    assert done.record("build").started_at is None


def test_a_group_that_the_run_is_given_otherwise_is_left_out(bench: Workbench) -> None:
    bench.write("p.yml", "variables:\n  - group: lab\nsteps:\n  - bash: x\n")
    planned = plan(load(bench.repository, "p.yml", {}, {}, groups=frozenset({"lab"})))
    assert planned.variables == ()
