"""What a timeline of Azure Pipelines is read as."""

from typing import Any

import pytest

from bot.adapters.azure.devops import Approval
from bot.adapters.azure.timeline import (
    failed_step,
    first_fault,
    has_open_approval,
    lines,
    log_ids,
    stages,
    state,
    tail,
    waits,
)
from bot.domain.run import PipelineState
from tests.adapters.azure.recorded import record, records

URL = "https://dev.azure.com/krsp-lab/training/_build/results?buildId=1001"
LATER = "2026-11-23T09:05:00.0000000Z"


def error(text: str) -> dict[str, Any]:
    return {"type": "error", "category": "General", "message": text, "data": {}}


def checkpoint(kind: str, **values: Any) -> list[dict[str, Any]]:
    stage = record("Stage", "Deploy", id="s", state="pending", result=None, identifier="deploy")
    above = record(
        "Checkpoint", "Checkpoint", id="c", parentId="s", state="inProgress", result=None
    )
    check = record(kind, kind, id="a", parentId="c", state="inProgress", result=None)
    return [stage, above, {**check, **values}]


def test_stages_come_in_their_order_by_the_name_in_the_file() -> None:
    found = stages(
        records(
            record("Stage", "Prepare", order=2, identifier="prepare"),
            record("Stage", "Validate", order=1, identifier="validate"),
            record("Job", "Freeze the code"),
        )
    )
    assert [stage.name for stage in found] == ["validate", "prepare"]
    assert found[0].started_at is not None
    assert found[0].started_at.isoformat().startswith("2026-11-23T09:00:00.123456")


@pytest.mark.parametrize(
    ("said", "result", "expected"),
    [
        ("pending", None, PipelineState.QUEUED),
        ("inProgress", None, PipelineState.RUNNING),
        ("completed", "succeeded", PipelineState.SUCCEEDED),
        ("completed", "succeededWithIssues", PipelineState.SUCCEEDED),
        ("completed", "failed", PipelineState.FAILED),
        ("completed", "canceled", PipelineState.CANCELLED),
        ("completed", "skipped", PipelineState.SKIPPED),
        ("completed", "abandoned", PipelineState.LOST),
        ("completed", "something new", PipelineState.LOST),
    ],
)
def test_each_state_of_a_stage_has_its_word(
    said: str, result: str | None, expected: PipelineState
) -> None:
    (stage,) = stages(records(record("Stage", "one", state=said, result=result)))
    assert stage.state is expected


def test_a_run_that_was_taken_up_but_has_begun_no_stage_is_queued() -> None:
    waiting = stages(records(record("Stage", "one", state="pending", result=None)))
    begun = stages(records(record("Stage", "one", state="inProgress", result=None)))
    assert state(PipelineState.RUNNING, waiting) is PipelineState.QUEUED
    assert state(PipelineState.RUNNING, begun) is PipelineState.RUNNING
    assert state(PipelineState.RUNNING, ()) is PipelineState.RUNNING
    assert state(PipelineState.FAILED, waiting) is PipelineState.FAILED


def test_the_first_step_that_failed_is_named_with_what_it_said_before_its_end() -> None:
    step = failed_step(
        records(
            record("Task", "Checkout"),
            record(
                "Task",
                "Clean up",
                startTime=LATER,
                result="failed",
                issues=[error("Bash exited with code '1'.")],
            ),
            record(
                "Task",
                "Validate spec and data",
                result="failed",
                log={"id": 9, "type": "Container", "url": "u"},
                issues=[error("optimizer.lr is 0."), error("Bash exited with code '2'.")],
            ),
        )
    )
    assert step is not None
    assert (step.name, step.log_id) == ("Validate spec and data", 9)
    assert step.fault == "optimizer.lr is 0."


def test_a_step_that_was_cut_off_is_the_one_that_failed() -> None:
    step = failed_step(
        records(record("Task", "Install"), record("Task", "Train", result="canceled"))
    )
    assert step is not None
    assert step.name == "Train"


def test_a_run_whose_steps_are_good_has_no_failed_step() -> None:
    assert failed_step(records(record("Task", "Checkout"))) is None


def test_a_job_that_found_no_agent_says_why() -> None:
    grant = "No hosted parallelism has been purchased or granted."
    found = first_fault(records(record("Job", "validate", result="failed", issues=[error(grant)])))
    assert found == grant


def test_a_refused_approval_is_the_fault() -> None:
    said = checkpoint("Checkpoint.Approval", state="completed", result="failed")
    assert first_fault(records(*said)) == "The approval of stage Deploy was not given."


def test_a_secret_in_an_issue_is_hidden() -> None:
    said = record("Job", "j", result="failed", issues=[error("password=hunter2hunter2 is wrong")])
    assert "hunter2" not in (first_fault(records(said)) or "")


def test_logs_of_steps_come_in_the_order_in_which_they_began() -> None:
    found = log_ids(
        records(
            record(
                "Task", "second", startTime=LATER, log={"id": 2, "type": "Container", "url": ""}
            ),
            record("Job", "job", log={"id": 5, "type": "Container", "url": ""}),
            record("Task", "first", log={"id": 4, "type": "Container", "url": ""}),
            record("Task", "never", startTime=None, state="pending", result=None),
        )
    )
    assert found == (4, 2)


def test_a_pending_approval_names_stage_people_and_page() -> None:
    said = records(*checkpoint("Checkpoint.Approval"))
    approval = Approval("a", 1001, ("Megan Bowen", "Nestor Wilke"))
    assert has_open_approval(said)
    assert waits(said, [approval], 1001, URL) == (
        f"Stage Deploy waits for an approval by Megan Bowen or Nestor Wilke: {URL}",
    )


def test_an_approval_of_another_run_names_nobody_here() -> None:
    said = records(*checkpoint("Checkpoint.Approval"))
    (sentence,) = waits(said, [Approval("a", 77, ("Megan Bowen",))], 1001, URL)
    assert "Megan" not in sentence


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        ("Checkpoint.Authorization", "permission to use a resource"),
        ("Checkpoint.ExclusiveLock", "waits for a check"),
    ],
)
def test_other_checks_are_told_too(kind: str, word: str) -> None:
    (sentence,) = waits(records(*checkpoint(kind)), [], 1001, URL)
    assert word in sentence
    assert URL in sentence


def test_a_check_that_is_over_is_waited_for_no_more() -> None:
    said = records(*checkpoint("Checkpoint.Approval", state="completed", result="succeeded"))
    assert not has_open_approval(said)
    assert waits(said, [], 1001, URL) == ()


def test_log_lines_lose_their_time_stamps_and_secrets() -> None:
    log = [
        "\ufeff2026-11-23T09:00:01.1234567Z ##[section]Starting: Submit",
        "2026-11-23T09:00:02.1234567Z Authorization: Bearer eyJhbGciOi.eyJzdWIiOiI.c2ln",
        "2026-11-23T09:00:03.1234567Z ",
        "no stamp",
    ]
    assert lines(log)[0] == "##[section]Starting: Submit"
    assert "eyJ" not in lines(log)[1]
    assert lines(log)[2:] == ("", "no stamp")
    assert lines([]) == ()


def test_a_tail_is_what_the_step_said_last() -> None:
    log = ["2026-11-23T09:00:01.1Z one", "2026-11-23T09:00:02.1Z two", "##[section]Finishing: x"]
    assert tail(log, 1) == ("two",)
