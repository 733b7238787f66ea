"""Pipelines that really run: in which order, and on what condition."""

from bot.adapters.local.interpreter.status import Result
from tests.adapters.local.workbench import Workbench


async def test_stages_run_in_sequence_and_jobs_side_by_side(bench: Workbench) -> None:
    # Each of two jobs waits for the other: run one after the other they would never end.
    ran = await bench.run(
        """
        stages:
          - stage: first
            jobs:
              - job: a
                timeoutInMinutes: 1
                steps:
                  - bash: touch "$KRSP_HOME/a"; until [ -e "$KRSP_HOME/b" ]; do sleep 0.02; done
              - job: b
                timeoutInMinutes: 1
                steps:
                  - bash: touch "$KRSP_HOME/b"; until [ -e "$KRSP_HOME/a" ]; do sleep 0.02; done
          - stage: second
            jobs:
              - job: c
                steps:
                  - bash: rm "$KRSP_HOME/a"
        """
    )
    assert ran.result is Result.SUCCEEDED
    assert ran.record("first").ended_at <= ran.record("second").started_at


async def test_stages_without_dependencies_run_side_by_side(bench: Workbench) -> None:
    ran = await bench.run(
        """
        stages:
          - stage: a
            jobs:
              - job: j
                steps:
                  - bash: touch "$KRSP_HOME/a"; until [ -e "$KRSP_HOME/b" ]; do sleep 0.02; done
          - stage: b
            dependsOn: []
            jobs:
              - job: j
                steps:
                  - bash: touch "$KRSP_HOME/b"; until [ -e "$KRSP_HOME/a" ]; do sleep 0.02; done
        """
    )
    assert ran.results() == {"a": "Succeeded", "b": "Succeeded"}


async def test_after_a_failure_only_what_asks_for_it_runs(bench: Workbench) -> None:
    ran = await bench.run(
        """
        stages:
          - stage: broken
            jobs:
              - job: j
                steps:
                  - {bash: exit 3, name: bad}
                  - {bash: echo no, name: usual}
                  - {bash: echo yes, name: after, condition: failed()}
                  - {bash: echo yes, name: either, condition: succeededOrFailed()}
                  - {bash: echo yes, name: anyway, condition: always()}
                  - {bash: echo yes, name: unrelated, condition: "eq(1, 1)"}
                  - {bash: echo no, name: off, condition: always(), enabled: false}
                  - {bash: echo no, name: asks, condition: canceled()}
          - stage: usual
            jobs: [{job: j, steps: [{bash: x}]}]
          - stage: rescue
            dependsOn: broken
            condition: failed()
            jobs: [{job: j, steps: [{bash: echo rescued}]}]
          - stage: report
            dependsOn: [broken, usual]
            condition: and(always(), eq(dependencies.usual.result, 'skipped'))
            jobs: [{job: j, steps: [{bash: echo reported}]}]
        """
    )
    assert ran.result is Result.FAILED
    assert ran.results() == {
        "broken": "Failed",
        "usual": "Skipped",
        "rescue": "Succeeded",
        "report": "Succeeded",
    }
    assert ran.results("broken", "j") == {
        "Checkout": "Succeeded",
        "bad": "Failed",
        "usual": "Skipped",
        "after": "Succeeded",
        "either": "Succeeded",
        "anyway": "Succeeded",
        "unrelated": "Succeeded",
        "off": "Skipped",
        "asks": "Skipped",
    }
    assert ran.record("broken", "j", "bad").exit_code == 3
    assert ran.log("broken", "j", "bad") == "##[error]The script ended with exit code 3."


async def test_a_skipped_parent_skips_its_children_and_theirs(bench: Workbench) -> None:
    ran = await bench.run(
        """
        jobs:
          - {job: a, condition: false, steps: [{bash: x}]}
          - {job: b, dependsOn: a, condition: always(), steps: [{bash: "true"}]}
          - {job: c, dependsOn: b, steps: [{bash: x}]}
          - {job: d, dependsOn: b, condition: succeeded('b'), steps: [{bash: "true"}]}
        """
    )
    assert ran.results("__default") == {
        "a": "Skipped",
        "b": "Succeeded",
        "c": "Skipped",
        "d": "Succeeded",
    }


async def test_continuing_on_an_error_leaves_an_issue(bench: Workbench) -> None:
    ran = await bench.run(
        """
        jobs:
          - job: step
            steps:
              - {bash: exit 1, continueOnError: true, name: bad}
              - {bash: echo "$AGENT_JOBSTATUS", name: next}
          - job: job
            continueOnError: true
            steps: [{bash: exit 1}]
        """
    )
    assert ran.result is Result.ISSUES
    assert ran.results("__default") == {"step": "SucceededWithIssues", "job": "SucceededWithIssues"}
    assert ran.log("__default", "step", "next") == "SucceededWithIssues"


async def test_a_condition_that_cannot_be_computed_fails_its_stage(bench: Workbench) -> None:
    ran = await bench.run(
        """
        variables: {n: many}
        stages:
          - stage: a
            condition: gt(1, variables.n)
            jobs: [{job: j, steps: [{bash: x}]}]
          - stage: b
            dependsOn: []
            jobs:
              - job: j
                steps: [{bash: x, condition: "gt(1, variables.n)", name: step}]
              - job: k
                variables: {v: "$[ gt(1, variables.n) ]"}
                steps: [{bash: x}]
        """
    )
    assert ran.results() == {"a": "Failed", "b": "Failed"}
    wanted = "p.yml:4: the condition `gt(1, variables.n)`: `many` is not a number."
    assert ran.record("a").issues == [{"type": "error", "message": wanted}]
    assert "p.yml:10: the condition" in ran.record("b", "j", "step").issues[0]["message"]
    assert "p.yml:12: the variable `v`" in ran.record("b", "k").issues[0]["message"]
