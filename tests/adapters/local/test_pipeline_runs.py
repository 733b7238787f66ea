"""Pipelines that really run: order, conditions, variables, orders, secrets, time."""

import asyncio
import json
import signal
import time

import pytest

from bot.adapters.local.interpreter.status import Result
from tests.adapters.local.workbench import Workbench, until

pytestmark = pytest.mark.usefixtures("bench")


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


async def test_variables_reach_scripts_as_azure_writes_them(bench: Workbench) -> None:
    ran = await bench.run(
        """
        name: $(prefix)-${{ upper('run') }}
        variables:
          - {name: prefix, value: pre}
          - {name: nested, value: $(prefix)fix}
          - {name: computed, value: "$[ format('{0}!', variables.nested) ]"}
        stages:
          - stage: s
            variables: {level: stage}
            jobs:
              - job: j
                variables: {level: job, dotted.name: d}
                steps:
                  - checkout: none
                  - bash: |
                      echo $(nested) "$NESTED" $(computed) $(LEVEL)
                      echo "$DOTTED_NAME" '$(unknown)' "$MAPPED"
                      echo "$BUILD_BUILDNUMBER $BUILD_SOURCEVERSION $BUILD_SOURCEBRANCHNAME"
                      echo "$SYSTEM_STAGENAME.$SYSTEM_JOBNAME $BUILD_REQUESTEDFOR $TF_BUILD"
                      [ -d "$AGENT_TEMPDIRECTORY" ] || exit
                      [ "$PWD" = "$BUILD_SOURCESDIRECTORY" ] || exit
                      [ "$SYSTEM_DEFAULTWORKINGDIRECTORY" = "$PIPELINE_WORKSPACE/s" ] && echo same
                    name: show
                    displayName: Show $(prefix)
                    env: {MAPPED: "<$(level)>"}
        """
    )
    assert ran.record("s", "j", "show").display_name == "Show pre"
    assert ran.log("s", "j", "show").splitlines() == [
        "prefix prefix prefix! job",
        "d $(unknown) <job>",
        "pre-RUN c0ffee main",
        "s.j ada True",
        "same",
    ]


async def test_a_set_variable_reaches_later_steps_and_an_output_later_stages(
    bench: Workbench,
) -> None:
    ran = await bench.run(
        """
        stages:
          - stage: make
            jobs:
              - job: j
                steps:
                  - bash: |
                      echo "##vso[task.setvariable variable=here]H"
                      echo "##vso[task.setvariable variable=out;isOutput=true]O;]x"
                      echo 'own: $(here)' "${HERE:-unset}"
                    name: set
                  - {bash: 'echo "$(here) $HERE $(set.out) $SET_OUT"', name: later}
              - job: beside
                dependsOn: j
                condition: eq(dependencies.j.outputs['set.out'], 'o;]x')
                variables: {got: "$[ dependencies.j.outputs['set.out'] ]"}
                steps: [{bash: 'echo "$(got)" ''[$(here)]''', name: show}]
          - stage: use
            condition: eq(dependencies.make.outputs['j.set.out'], 'O;]x')
            jobs:
              - job: j
                variables:
                  got: $[ stageDependencies.make.j.outputs['set.out'] ]
                  none: $[ stageDependencies.make.j.outputs['set.nothing'] ]
                steps: [{bash: 'echo "$(got)<$(none)>"', name: show}]
        """
    )
    assert ran.result is Result.SUCCEEDED
    assert ran.log("make", "j", "set") == "own: $(here) unset"
    assert ran.log("make", "j", "later") == "H H O;]x O;]x"
    assert ran.log("make", "beside", "show") == "O;]x [$(here)]"
    assert ran.log("use", "j", "show") == "O;]x<>"


async def test_secrets_are_masked_and_kept_out_of_the_environment(bench: Workbench) -> None:
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: |
              echo "##vso[task.setvariable variable=token;isSecret=true]hunter2%0Asecond-line"
              echo "##vso[task.setsecret]abc123"
              echo "at once: abc123"
            name: set
          - bash: |
              echo "$(token)"; echo "env: ${TOKEN:-none}"; echo "mapped: $T abc123"
              echo "##vso[task.logissue type=error]hunter2 leaked"
              echo "##vso[build.addbuildtag]tag-abc123"
            name: use
            env: {T: $(token)}
        """
    )
    shown = ran.log("__default", "Job", "use")
    assert shown.splitlines() == [
        "***",
        "***",
        "env: none",
        "mapped: ***",
        "*** ***",
        "##[error]*** leaked",
    ]
    state = (ran.folder / "state.json").read_text()
    assert "hunter2" not in state + shown
    assert "abc123" not in state


async def test_a_step_can_say_its_own_result_and_issues(bench: Workbench) -> None:
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: |
              echo "##vso[task.logissue type=warning]careful"
              echo "##vso[task.complete result=SucceededWithIssues;]done"
              echo "##vso[build.addbuildtag]blue"
              echo "##vso[task.setprogress value=50]half"
              echo "##vso[artifact.upload artifactname=x]/etc/passwd"
              echo "##vso[nonsense"
            name: a
          - {bash: 'echo "##vso[task.complete result=Failed]bad data"', name: b}
        """
    )
    assert ran.results("__default", "Job") == {"a": "SucceededWithIssues", "b": "Failed"}
    assert ran.timeline.tags == ["blue"]
    assert ran.record("__default", "Job", "a").issues == [
        {"type": "warning", "message": "careful"},
        {
            "type": "warning",
            "message": "The command `artifact.upload` is not supported here and was left out.",
        },
    ]
    assert ran.record("__default", "Job", "b").issues == [{"type": "error", "message": "bad data"}]
    assert ran.log("__default", "Job", "a").endswith("\n##vso[nonsense")


async def test_a_restricted_step_orders_nothing_but_its_own(bench: Workbench) -> None:
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: |
              echo "##vso[task.setvariable variable=allowed]1"
              echo "##vso[task.setvariable variable=PATH]/evil"
              echo "##vso[build.addbuildtag]evil"
            target: {commands: restricted, settableVariables: [allowed]}
          - {bash: "echo '$(allowed)$(PATH)'", name: show}
          - bash: echo "##vso[task.setvariable variable=allowed]2"
            target: {settableVariables: none}
          - {bash: 'echo "$(allowed)"', name: again}
        """
    )
    assert ran.log("__default", "Job", "show") == "1$(PATH)"
    assert ran.log("__default", "Job", "again") == "1"
    assert ran.timeline.tags == []


async def test_a_read_only_variable_stays_as_it_is(bench: Workbench) -> None:
    ran = await bench.run(
        """
        variables:
          - {name: fixed, value: 1, readonly: true}
        steps:
          - checkout: none
          - bash: echo "##vso[task.setvariable variable=fixed]2"
          - {bash: echo $(fixed), name: show}
        """
    )
    assert ran.log("__default", "Job", "show") == "1"


async def test_the_bots_settings_are_hidden_and_this_python_comes_first(bench: Workbench) -> None:
    bench.environment |= {"KRSP_DATABASE_URL": "postgresql://secret", "MicrosoftAppPassword": "x"}
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: |
              env | grep -c -e secret -e MicrosoftApp
              python -c 'import pydantic, sys; print(sys.prefix != sys.base_prefix)'
              [ -d "$KRSP_HOME" ] && echo home
            name: show
        """
    )
    assert ran.log("__default", "Job", "show").splitlines() == ["0", "True", "home"]


async def test_azure_cli_runs_its_script_without_signing_in(bench: Workbench) -> None:
    bench.write("tool.sh", 'echo "script $1 $2"\n')
    ran = await bench.run(
        """
        steps:
          - task: AzureCLI@2
            name: inline
            inputs:
              azureSubscription: none
              scriptType: bash
              scriptLocation: inlineScript
              inlineScript: echo inline "$X"
            env: {X: y}
          - task: AzureCLI@2
            name: file
            inputs:
              azureSubscription: none
              scriptType: bash
              scriptPath: tool.sh
              arguments: '"a b" c'
        """
    )
    assert ran.log("__default", "Job", "inline") == "inline y"
    assert ran.log("__default", "Job", "file") == "script a b c"


async def test_artifacts_go_from_job_to_job(bench: Workbench) -> None:
    bench.write("data/x.txt", "content\n")
    ran = await bench.run(
        """
        jobs:
          - job: make
            steps:
              - publish: data
                artifact: things
          - job: use
            dependsOn: make
            steps:
              - checkout: none
              - download: current
                artifact: things
              - {bash: 'cat "$(Pipeline.Workspace)/things/x.txt"; ls', name: show}
          - job: lost
            steps:
              - {publish: nowhere, artifact: x, name: missing}
          - job: out
            steps:
              - {publish: data, artifact: ../../x, name: outside}
        """
    )
    assert ran.log("__default", "use", "show") == "content"
    assert ran.results("__default") == {
        "make": "Succeeded",
        "use": "Succeeded",
        "lost": "Failed",
        "out": "Failed",
    }
    assert "nowhere" in ran.log("__default", "lost", "missing")
    assert "`../../x` cannot name an artifact" in ran.log("__default", "out", "outside")


async def test_retries_failing_and_standard_error(bench: Workbench) -> None:
    ran = await bench.run(
        """
        jobs:
          - job: again
            steps:
              - checkout: none
              - {bash: 'echo x >> n; [ "$(wc -l < n)" = 3 ]', retryCountOnTaskFailure: 2, name: a}
          - job: strict
            steps:
              - {bash: echo oops >&2, failOnStderr: true, name: a}
          - job: lax
            steps:
              - {bash: echo oops >&2, name: a}
          - job: nowhere
            steps:
              - {bash: x, workingDirectory: none, name: a}
        """
    )
    assert ran.results("__default") == {
        "again": "Succeeded",
        "strict": "Failed",
        "lax": "Succeeded",
        "nowhere": "Failed",
    }
    assert "`failOnStderr` is set" in ran.log("__default", "strict", "a")
    assert ran.log("__default", "lax", "a") == "oops"


async def test_a_step_that_takes_too_long_fails_and_leaves_nothing_behind(
    bench: Workbench,
) -> None:
    # The child ignores SIGTERM in a session of its own; the workbench looks for what is left.
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - bash: setsid bash -c 'trap "" TERM; sleep 60' & sleep 60
            timeoutInMinutes: 0.01
            name: slow
          - {bash: echo "cleaned", condition: failed(), name: clean}
        """
    )
    assert ran.results("__default", "Job") == {"slow": "Failed", "clean": "Succeeded"}
    assert "ran longer than its 0.01 minutes" in ran.log("__default", "Job", "slow")


async def test_a_job_that_takes_too_long_is_canceled(bench: Workbench) -> None:
    ran = await bench.run(
        """
        jobs:
          - job: slow
            timeoutInMinutes: 0.01
            steps:
              - checkout: none
              - {bash: sleep 60, name: sleep}
              - {bash: echo next, name: next}
              - {bash: echo anyway, condition: always(), name: anyway}
        """
    )
    assert ran.result is Result.CANCELED
    assert ran.results("__default", "slow") == {
        "sleep": "Canceled",
        "next": "Skipped",
        "anyway": "Succeeded",
    }
    assert ran.record("__default", "slow").issues == [
        {"type": "error", "message": "The job ran longer than its 0.01 minutes."}
    ]


async def test_a_cancel_ends_what_runs_and_keeps_what_runs_anyway(bench: Workbench) -> None:
    running = asyncio.create_task(
        bench.run(
            """
            stages:
              - stage: a
                jobs:
                  - job: j
                    steps:
                      - checkout: none
                      - bash: trap 'echo saved; exit 9' TERM; touch "$KRSP_HOME/up"; sleep 60 & wait
                        name: work
                      - {bash: echo no, name: next}
                      - {bash: echo yes, condition: canceled(), name: tidy}
              - stage: usual
                jobs: [{job: j, steps: [{bash: x}]}]
              - stage: anyway
                dependsOn: a
                condition: always()
                jobs: [{job: j, steps: [{bash: echo yes, name: last}]}]
            """
        )
    )
    await until((bench.root / "home" / "up").exists, "the step to begin")
    bench.stop.ask(60)
    ran = await running
    assert ran.result is Result.CANCELED
    assert ran.results() == {"a": "Canceled", "usual": "Skipped", "anyway": "Succeeded"}
    assert ran.results("a", "j") == {"work": "Canceled", "next": "Skipped", "tidy": "Succeeded"}
    assert ran.log("a", "j", "work").startswith("saved")


async def test_what_runs_anyway_has_an_end_too(bench: Workbench) -> None:
    running = asyncio.create_task(
        bench.run(
            """
            jobs:
              - job: j
                cancelTimeoutInMinutes: 0.01
                steps:
                  - checkout: none
                  - {bash: 'touch "$KRSP_HOME/up"; sleep 60', name: work}
                  - {bash: sleep 60, condition: always(), name: endless}
            """
        )
    )
    await until((bench.root / "home" / "up").exists, "the step to begin")
    began = time.monotonic()
    bench.stop.ask(60)
    ran = await running
    assert ran.results("__default", "j") == {"work": "Canceled", "endless": "Canceled"}
    assert time.monotonic() - began < 30


async def test_a_step_that_ignores_sigterm_is_killed(bench: Workbench) -> None:
    running = asyncio.create_task(
        bench.run(
            """
            steps:
              - checkout: none
              - {bash: 'trap "" TERM; touch "$KRSP_HOME/up"; while :; do sleep 1; done', name: deaf}
            """
        )
    )
    await until((bench.root / "home" / "up").exists, "the step to begin")
    bench.stop.ask(60)
    ran = await running
    assert ran.record("__default", "Job", "deaf").exit_code == -signal.SIGKILL


async def test_a_background_child_does_not_hold_a_step_up(bench: Workbench) -> None:
    ran = await bench.run(
        """
        steps:
          - checkout: none
          - {bash: sleep 60 & echo started, name: a}
          - {bash: pgrep -u "$(id -u)" -f "^sleep 60$" > /dev/null && echo lives on, name: b}
        """
    )
    assert ran.log("__default", "Job", "a") == "started"
    assert ran.result is Result.SUCCEEDED


async def test_odd_output_is_kept_line_by_line(bench: Workbench) -> None:
    ran = await bench.run(
        r"""
        steps:
          - checkout: none
          - bash: |
              printf 'a\r\nb\377c\n\n'
              head -c 3000000 /dev/zero | tr '\0' x
              printf 'end'
            name: odd
        """
    )
    lines = ran.log("__default", "Job", "odd").split("\n")
    assert lines[:3] == ["a", "b\ufffdc", ""]
    assert sum(map(len, lines[3:])) == 3_000_003
    assert lines[-1].endswith("xend")


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


async def test_the_timeline_on_disk_says_what_happened(bench: Workbench) -> None:
    ran = await bench.run("name: n\nsteps:\n  - checkout: none\n  - {bash: echo hi, name: s}\n")
    state = json.loads((ran.folder / "state.json").read_text())
    step = state["stages"][0]["children"][0]["children"][0]
    assert state["number"] == "n"
    assert (step["name"], step["state"], step["result"]) == ("s", "completed", "Succeeded")
    assert step["started_at"] <= step["ended_at"]
    assert (ran.folder / step["log"]).read_text().splitlines() == [
        "##[section]Starting: Bash",
        "hi",
        "##[section]Finishing: Bash",
    ]
    assert not (ran.folder / "work" / "__default.Job").exists()
