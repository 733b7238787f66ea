"""Pipelines and builds of the twin, driven by the real azure-devops package."""

import pytest
from azure.devops.exceptions import AzureDevOpsServiceError
from azure.devops.v7_1.build.models import Build, UpdateStageParameters

from tests.azure_twin.devops.conftest import Lab
from tests.azure_twin.devops.sdk import until
from tests.azure_twin.world import PIPELINES, PROJECT

SIMPLE = """
name: ${{ parameters.runKey }}
parameters:
  - name: runKey
    type: string
  - name: target
    type: string
    default: azureml
    values: [local, azureml]
stages:
  - stage: validate
    displayName: Validate
    jobs:
      - job: check
        displayName: Check
        steps:
          - checkout: self
          - bash: |
              echo "##vso[build.addbuildtag]$KEY"
              echo "key $KEY reason $BUILD_REASON of $(Build.RequestedFor)"
            displayName: Tag
            env:
              KEY: ${{ parameters.runKey }}
  - stage: submit
    jobs:
      - job: submit
        steps:
          - checkout: none
          - bash: echo done
            displayName: Submit
"""
SLEEPER = """
name: ${{ parameters.runKey }}
parameters:
  - name: runKey
    type: string
steps:
  - checkout: none
  - bash: while true; do sleep 0.1; done
    displayName: Sleep
  - bash: echo cleaned
    condition: always()
    displayName: Clean up
"""


def test_a_run_really_executes_its_file(lab: Lab) -> None:
    run = lab.bot.run(lab.write(SIMPLE), {"runKey": "run-1"})
    assert (run.name, run.state) == ("run-1", "inProgress")
    build = lab.bot.ended(run.id)
    assert (build.result, build.build_number, build.tags) == ("succeeded", "run-1", ["run-1"])
    assert lab.bot.lines(run.id, "Tag")[-1] == "key run-1 reason Manual of id-krsp-bot"


def test_the_timeline_is_a_tree_of_stages_phases_jobs_and_tasks(lab: Lab) -> None:
    run = lab.bot.run(lab.write(SIMPLE), {"runKey": "run-2"})
    lab.bot.ended(run.id)
    records = {record.id: record for record in lab.bot.records(run.id)}
    tag = lab.bot.record(run.id, "Task", "Tag")
    path = [tag]
    while path[-1].parent_id:
        path.append(records[path[-1].parent_id])
    assert [record.type for record in path] == ["Task", "Job", "Phase", "Stage"]
    assert [record.name for record in path] == ["Tag", "Check", "Check", "Validate"]
    assert {record.result for record in path} == {"succeeded"}


def test_a_run_is_seen_by_both_apis(lab: Lab) -> None:
    number = lab.write(SIMPLE)
    first = lab.bot.run(number, {"runKey": "run-3"})
    lab.bot.ended(first.id)
    second = lab.bot.run(number, {"runKey": "run-4"})
    lab.bot.ended(second.id)
    seen = lab.bot.pipelines.get_run(PROJECT, number, second.id)
    assert (seen.state, seen.result, seen.template_parameters) == (
        "completed",
        "succeeded",
        {"runKey": "run-4"},
    )
    listed = lab.bot.pipelines.list_runs(PROJECT, number)
    assert [run.id for run in listed] == [second.id, first.id]


def test_pipelines_are_listed_and_got(lab: Lab) -> None:
    found = {one.name: one.id for one in lab.bot.pipelines.list_pipelines(PROJECT)}
    assert PIPELINES.items() <= found.items()
    assert lab.bot.pipelines.get_pipeline(PROJECT, 11).name == "train"


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"runKey": "a", "nope": "1"}, "Unexpected parameter 'nope'"),
        ({"runKey": "a", "target": "moon"}, "`moon` is not one of `local`, `azureml`"),
        ({}, "the parameter `runKey` needs a value"),
        ({"runKey": "a:b"}, "contains invalid character"),
    ],
)
def test_what_the_file_does_not_take_is_refused_before_a_run(
    lab: Lab, parameters: dict[str, str], message: str
) -> None:
    number = lab.write(SIMPLE)
    with pytest.raises(AzureDevOpsServiceError, match=message) as caught:
        lab.bot.run(number, parameters)
    assert caught.value.type_key == "PipelineValidationException"
    assert lab.bot.pipelines.list_runs(PROJECT, number) == []


def test_an_unknown_service_connection_is_refused_before_a_run(lab: Lab) -> None:
    number = lab.write(
        """
        steps:
          - task: AzureCLI@2
            inputs:
              azureSubscription: elsewhere
              scriptType: bash
              scriptLocation: inlineScript
              inlineScript: echo
        """
    )
    with pytest.raises(AzureDevOpsServiceError, match="service connection elsewhere which could"):
        lab.bot.run(number)


def test_a_failing_step_fails_its_run_and_names_the_issue(lab: Lab) -> None:
    number = lab.write(
        """
        steps:
          - checkout: none
          - bash: echo "##vso[task.logissue type=error]Too little data."; exit 3
            displayName: Validate
        """
    )
    run = lab.bot.run(number)
    assert lab.bot.ended(run.id).result == "failed"
    record = lab.bot.record(run.id, "Task", "Validate")
    assert [issue.message for issue in record.issues] == [
        "Too little data.",
        "The script ended with exit code 3.",
    ]
    assert (record.error_count, record.result) == (2, "failed")


def test_a_cancelled_run_ends_and_still_cleans_up(lab: Lab) -> None:
    run = lab.bot.run(lab.write(SLEEPER), {"runKey": "run-5"})
    until(lambda: lab.bot.record(run.id, "Task", "Sleep").state == "inProgress")
    said = lab.bot.builds.update_build(Build(status="cancelling"), PROJECT, run.id)
    assert said.status == "cancelling"
    assert lab.bot.ended(run.id).result == "canceled"
    assert lab.bot.lines(run.id, "Clean up") == ["cleaned"]
    assert lab.bot.pipelines.get_run(PROJECT, 11, run.id).result == "canceled"


def test_a_run_whose_agent_is_gone_fails(lab: Lab) -> None:
    run = lab.bot.run(lab.write(SLEEPER), {"runKey": "run-6"})
    until(lambda: lab.bot.record(run.id, "Task", "Sleep").state == "inProgress")
    lab.control("kill_agent", run=run.id)
    assert lab.bot.ended(run.id).result == "failed"
    jobs = [record for record in lab.bot.records(run.id) if record.type == "Job"]
    assert "We stopped hearing from agent" in jobs[0].issues[0].message


def test_a_stage_is_retried_with_what_earlier_stages_left(lab: Lab) -> None:
    number = lab.write(
        """
        stages:
          - stage: make
            jobs:
              - job: make
                steps:
                  - checkout: none
                  - bash: echo "##vso[task.setvariable variable=size;isOutput=true]$RANDOM"
                    name: tell
                  - bash: echo made; echo $(tell.size) > $(Build.ArtifactStagingDirectory)/size
                    displayName: Make
                  - publish: $(Build.ArtifactStagingDirectory)
                    artifact: made
          - stage: use
            jobs:
              - job: use
                variables:
                  size: $[ stageDependencies.make.make.outputs['tell.size'] ]
                steps:
                  - checkout: none
                  - download: current
                    artifact: made
                  - bash: |
                      [ "$(cat "$(Pipeline.Workspace)/made/size")" = "$(size)" ] || exit 7
                      [ "$(System.StageAttempt)" = 2 ]
                    displayName: Use
        """
    )
    run = lab.bot.run(number)
    assert lab.bot.ended(run.id).result == "failed"
    made = lab.bot.record(run.id, "Stage", "make")
    lab.bot.builds.update_stage(UpdateStageParameters(state="retry"), run.id, "use", PROJECT)
    assert lab.bot.ended(run.id).result == "succeeded"
    assert lab.bot.record(run.id, "Stage", "make").start_time == made.start_time
    use = lab.bot.record(run.id, "Stage", "use")
    assert (use.attempt, [one.attempt for one in use.previous_attempts]) == (2, [1])
    assert lab.bot.lines(run.id, "Make") == ["made"]


def test_variables_come_from_the_order_the_pipeline_and_its_groups(lab: Lab) -> None:
    number = lab.write(
        """
        variables:
          - group: krsp
          - name: own
            value: file
        steps:
          - checkout: none
          - bash: echo "$(asked) $(beside) $(shared) $(hidden) $(own)"
            displayName: Show
        """
    )
    lab.control(
        "group", name="krsp", variables={"shared": "s", "hidden": "h-h"}, secrets=["hidden"]
    )
    lab.control("pipeline", name="train", variables={"beside": "b"})
    run = lab.bot.run(number, asked="a")
    lab.bot.ended(run.id)
    assert lab.bot.lines(run.id, "Show") == ["a b s *** file"]


def test_an_unknown_group_is_refused_before_a_run(lab: Lab) -> None:
    number = lab.write("variables:\n  - group: moon\nsteps:\n  - bash: echo\n")
    with pytest.raises(AzureDevOpsServiceError, match="Variable group moon could not be found"):
        lab.bot.run(number)


@pytest.mark.parametrize("number", [11, 99])
def test_an_unknown_run_or_pipeline_is_not_found(lab: Lab, number: int) -> None:
    with pytest.raises(AzureDevOpsServiceError) as caught:
        lab.bot.pipelines.get_run(PROJECT, number, 5)
    assert caught.value.type_key in {"RunNotFoundException", "PipelineNotFoundException"}


def test_an_unknown_build_or_project_is_not_found(lab: Lab) -> None:
    with pytest.raises(AzureDevOpsServiceError) as caught:
        lab.bot.builds.get_build(PROJECT, 5)
    assert caught.value.type_key == "BuildNotFoundException"
    with pytest.raises(AzureDevOpsServiceError, match="TF200016") as caught:
        lab.bot.builds.get_build("elsewhere", 5)
    assert caught.value.type_key == "ProjectDoesNotExistWithNameException"


def test_a_run_cancelled_at_once_ends_too(lab: Lab) -> None:
    number = lab.write(SLEEPER)
    runs = [lab.bot.run(number, {"runKey": f"run-{n}"}).id for n in range(3)]
    for run in runs:
        lab.bot.builds.update_build(Build(status="cancelling"), PROJECT, run)
    assert {lab.bot.ended(run).result for run in runs} == {"canceled"}
