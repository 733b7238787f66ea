"""What is outside the subset is refused by file, line and reason, before anything runs."""

import pytest

from bot.adapters.local.interpreter.errors import PipelineError
from bot.adapters.local.interpreter.source import parse
from bot.errors import SetupError
from tests.adapters.local.workbench import Workbench


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yml:1: a pipeline file must hold one mapping."),
        ("- a\n", "f.yml:1: a pipeline file must hold one mapping."),
        ("a: 1\nA: 2\n", "f.yml:2: the key `A` is given twice."),
        ("a: &x 1\nb: *x\n", "f.yml:1: Azure Pipelines knows no YAML anchors: use a template."),
        ("a: *x\n", "f.yml:1: not valid YAML: found undefined alias 'x'."),
        ("a: 1\n---\nb: 2\n", "f.yml:2: not valid YAML: but found another document."),
        ("a: 'b\n", "f.yml:2: not valid YAML: found unexpected end of stream."),
        ("? [a]\n: b\n", "f.yml:1: a key must be a text."),
    ],
)
def test_what_is_no_pipeline_yaml_is_refused(text: str, message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        parse(text, name="f.yml")
    assert str(caught.value) == message


# Each line is one thing wrong in a file that is right without it; the number is its line.
CASES = [
    ("jobs: []", "p.yml:1: `jobs` must hold at least one entry."),
    ("stages: x", "p.yml:1: `stages` must be a list, not a text."),
    ("trigger: none", "p.yml:1: a pipeline needs exactly one of stages, jobs and steps."),
    (
        "steps:\n  - bash: x\njobs:\n  - job: a",
        "p.yml:1: a pipeline needs exactly one of stages, jobs and steps.",
    ),
    (
        "step:\n  - bash: x",
        "p.yml:1: a pipeline with `step` is not supported here; did you mean `steps`?",
    ),
    (
        "extends: {}\nsteps:\n  - bash: x",
        (
            "p.yml:1: a pipeline with `extends` is not supported here; known are: "
            "appendCommitMessageToRunName, jobs, lockBehavior, name, pool, pr, resources, "
            "schedules, stages, steps, trigger, variables."
        ),
    ),
    (
        "name: $(Date:yyyyMMdd)$(Rev:.r)\nsteps:\n  - bash: x",
        (
            "p.yml:1: `name: $(Date:yyyyMMdd)$(Rev:.r)` counts runs or days, "
            "which is not supported here."
        ),
    ),
    (
        "variables:\n  - group: secrets\nsteps:\n  - bash: x",
        "p.yml:2: variable groups live in Azure DevOps and are not supported here.",
    ),
    ("variables:\n  - value: x\nsteps:\n  - bash: x", "p.yml:2: a variable needs a `name`."),
    (
        "variables:\n  a: $[ parameters.x ]\nsteps:\n  - bash: x",
        (
            "p.yml:2: the variable `a`: there is no `parameters` here; "
            "known are: dependencies, stageDependencies, variables."
        ),
    ),
    (
        "variables:\n  a: $[ succeeded() ]\nsteps:\n  - bash: x",
        "p.yml:2: the variable `a`: `succeeded()` can be used only in a condition.",
    ),
    (
        "stages:\n  - stage: a b\n    jobs: []",
        "p.yml:2: `a b` cannot name a stage: use letters, digits and `_`.",
    ),
    (
        "jobs:\n  - deployment: d\n    environment: e",
        "p.yml:2: a deployment job needs `strategy` here.",
    ),
    (
        "jobs:\n  - deployment: d\n    strategy: {runOnce: {deploy: {steps: [{bash: x}]}}}",
        "p.yml:2: a deployment job needs an `environment`.",
    ),
    (
        "jobs:\n  - deployment: d\n    environment: e\n    strategy: {canary: {deploy: {}}}",
        "p.yml:4: `strategy` with `canary` is not supported here; known are: pool, runOnce.",
    ),
    (
        "jobs:\n  - deployment: d\n    environment: e\n    steps: [{bash: x}]",
        (
            "p.yml:4: a deployment job with `steps` is not supported here; known are: "
            "cancelTimeoutInMinutes, condition, continueOnError, dependsOn, deployment, "
            "displayName, environment, pool, strategy, timeoutInMinutes, variables, workspace."
        ),
    ),
    (
        "lockBehavior: last\nsteps:\n  - bash: x",
        "p.yml:1: `lockBehavior` is `sequential` or `runLatest`, not `last`.",
    ),
    (
        "jobs:\n  - job: a\n    strategy: {matrix: {}}\n    steps:\n      - bash: x",
        (
            "p.yml:3: a job with `strategy` is not supported here; known are: "
            "cancelTimeoutInMinutes, condition, continueOnError, dependsOn, displayName, job, "
            "pool, "
            "steps, timeoutInMinutes, variables, workspace."
        ),
    ),
    (
        "jobs:\n  - job: a\n    container: x\n    steps:\n      - bash: x",
        (
            "p.yml:3: a job with `container` is not supported here; known are: "
            "cancelTimeoutInMinutes, condition, continueOnError, dependsOn, displayName, job, "
            "pool, "
            "steps, timeoutInMinutes, variables, workspace."
        ),
    ),
    ("jobs:\n  - job: a", "p.yml:2: `steps` must hold at least one entry."),
    (
        "jobs:\n  - job: a\n    steps: [{bash: x}]\n  - job: A\n    steps: [{bash: x}]",
        "p.yml:4: there are two jobs named `A`.",
    ),
    (
        "jobs:\n  - job: a\n    dependsOn: b\n    steps: [{bash: x}]",
        "p.yml:2: the job `a` depends on `b`, which does not exist.",
    ),
    (
        (
            "jobs:\n  - job: a\n    dependsOn: b\n    steps: [{bash: x}]\n"
            "  - job: b\n    dependsOn: [a]\n    steps: [{bash: x}]"
        ),
        "p.yml:2: these jobs wait for each other: a, b.",
    ),
    (
        "jobs:\n  - job: a\n    timeoutInMinutes: soon\n    steps: [{bash: x}]",
        "p.yml:2: `timeoutInMinutes` must be a number of minutes, not `soon`.",
    ),
    (
        (
            "jobs:\n  - job: a\n    condition: eq(dependencies.b.result, 'Failed')\n"
            "    steps: [{bash: x}]"
        ),
        "p.yml:3: the condition `eq(dependencies.b.result, 'Failed')`: `b` is not in `dependsOn`.",
    ),
    (
        "jobs:\n  - job: a\n    condition: failed('b')\n    steps: [{bash: x}]",
        "p.yml:3: the condition `failed('b')`: `b` is not in `dependsOn`.",
    ),
    (
        "steps:\n  - bash: x\n    condition: eq(dependencies.a.result, 1)",
        (
            "p.yml:3: the condition `eq(dependencies.a.result, 1)`: "
            "there is no `dependencies` here; known are: variables."
        ),
    ),
    (
        "steps:\n  - bash: x\n    condition: suceeded()",
        "p.yml:3: the condition `suceeded()`: there is no function `suceeded`.",
    ),
    (
        "steps:\n  - powershell: x",
        (
            "p.yml:2: a step with `powershell` is not supported here; "
            "known are: bash, checkout, download, publish, script, task."
        ),
    ),
    (
        "steps:\n  - task: Docker@2",
        (
            "p.yml:2: the task `Docker@2` is not supported here; known are: "
            "`AzureCLI@2`, `UsePythonVersion@0`."
        ),
    ),
    (
        "steps:\n  - task: AzureCLI@2\n    inputs: {scriptType: pscore, inlineScript: x}",
        "p.yml:3: AzureCLI@2 needs `scriptType: bash` here.",
    ),
    (
        (
            "steps:\n  - task: AzureCLI@2\n"
            "    inputs: {scriptType: bash, scriptLocation: inlineScript}"
        ),
        "p.yml:3: AzureCLI@2 has no script to run.",
    ),
    (
        "steps:\n  - bash: x\n    workingDirectry: y",
        (
            "p.yml:3: a step `bash` with `workingDirectry` is not supported here; "
            "did you mean `workingDirectory`?"
        ),
    ),
    (
        "steps:\n  - bash: x\n    continueOnError: maybe",
        "p.yml:2: `continueOnError` must be true or false, not `maybe`.",
    ),
    (
        "steps:\n  - bash: x\n    retryCountOnTaskFailure: 99",
        "p.yml:2: `retryCountOnTaskFailure` must be 0 to 10.",
    ),
    ("steps:\n  - bash: x\n    name: a.b", "p.yml:2: `a.b` cannot name a step."),
    (
        "steps:\n  - {bash: x, name: a}\n  - {bash: x, name: A}",
        "p.yml:2: there are two steps named `a`.",
    ),
    ("steps:\n  - bash: x\n    env: {A: [1]}", "p.yml:3: `A` must be a text, not a list."),
    (
        "steps:\n  - bash: x\n    target: {container: c}",
        (
            "p.yml:3: `target` with `container` is not supported here; known are: "
            "commands, settableVariables."
        ),
    ),
    (
        "steps:\n  - checkout: other",
        "p.yml:2: `checkout: other` is not supported here; use `self` or `none`.",
    ),
    ("steps:\n  - publish: x", "p.yml:2: `publish` needs a path and an `artifact`."),
    (
        "steps:\n  - download: other\n    artifact: a",
        "p.yml:2: `download: other` is not supported here; use `current` or `none`.",
    ),
    ("steps:\n  - bash: [x]", "p.yml:2: `bash` must be a text, not a list."),
    ("steps:\n  - x", "p.yml:2: a step must be a mapping, not a text."),
]


@pytest.mark.parametrize(("text", "message"), CASES, ids=[message[6:60] for _, message in CASES])
def test_what_the_subset_has_not_is_refused_by_line(
    bench: Workbench, text: str, message: str
) -> None:
    with pytest.raises(PipelineError) as caught:
        bench.plan(f"{text}\n")
    assert str(caught.value) == message


def test_a_refusal_is_the_installations_fault_and_no_bug(bench: Workbench) -> None:
    with pytest.raises(SetupError) as caught:
        bench.plan("steps: []\n")
    assert (caught.value.code, caught.value.is_bug) == ("pipeline_file", False)


def test_when_and_where_a_pipeline_runs_is_left_to_azure(bench: Workbench) -> None:
    planned = bench.plan(
        """
        trigger: {branches: {include: [main]}}
        pr: none
        schedules:
          - cron: "0 3 * * *"
        pool: {vmImage: ubuntu-24.04}
        lockBehavior: sequential
        stages:
          - stage: a
            lockBehavior: runLatest
            pool: {name: own}
            jobs:
              - job: j
                pool: own
                workspace: {clean: all}
                steps:
                  - checkout: none
                  - bash: x
        """
    )
    assert [step.does for step in planned.stages[0].jobs[0].steps] == ["bash"]


def test_a_job_that_does_not_say_checkout_begins_with_one(bench: Workbench) -> None:
    planned = bench.plan("steps:\n  - bash: x\n")
    assert [step.does for step in planned.stages[0].jobs[0].steps] == ["checkout", "bash"]
