"""How pipelines that really run come to an end: in time, cancelled, killed."""

import asyncio
import signal
import time

from bot.adapters.local.interpreter.status import Result
from tests.adapters.local.workbench import Ran, Workbench, until


async def cancelled(bench: Workbench, text: str) -> Ran:
    """Run a pipeline whose step makes a file `up`, and cancel it then."""
    running = asyncio.create_task(bench.run(text))
    await until((bench.root / "home" / "up").exists, "the step to begin")
    bench.stop.ask(60)
    return await running


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
    ran = await cancelled(
        bench,
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
        """,
    )
    assert ran.result is Result.CANCELED
    assert ran.results() == {"a": "Canceled", "usual": "Skipped", "anyway": "Succeeded"}
    assert ran.results("a", "j") == {"work": "Canceled", "next": "Skipped", "tidy": "Succeeded"}
    assert ran.log("a", "j", "work").startswith("saved")


async def test_what_runs_anyway_has_an_end_too(bench: Workbench) -> None:
    began = time.monotonic()
    ran = await cancelled(
        bench,
        """
        jobs:
          - job: j
            cancelTimeoutInMinutes: 0.01
            steps:
              - checkout: none
              - {bash: 'touch "$KRSP_HOME/up"; sleep 60', name: work}
              - {bash: sleep 60, condition: always(), name: endless}
        """,
    )
    assert ran.results("__default", "j") == {"work": "Canceled", "endless": "Canceled"}
    assert time.monotonic() - began < 30


async def test_a_step_that_ignores_sigterm_is_killed(bench: Workbench) -> None:
    ran = await cancelled(
        bench,
        """
        steps:
          - checkout: none
          - {bash: 'trap "" TERM; touch "$KRSP_HOME/up"; while :; do sleep 1; done', name: deaf}
        """,
    )
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
