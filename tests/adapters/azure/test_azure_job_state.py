"""What Azure ML's words mean for a job of ours."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bot.adapters.azure.job_state import RETRIES, History, Job, exit_code, preparing, seen_of
from bot.domain.run import JobSeen, JobState
from trainer.contract.azure_job import Tag
from trainer.contract.failure import Failure, FailureKind

NAME = "run-20261123-aaaaaa"
BEGAN, ENDED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC), datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
EXITED = (
    "Execution failed. User process 'python' exited with status code {}. Please check log file "
    "'user_logs/std_log.txt' for error details. Error: None"
)


def job(status: str, **changes: Any) -> Job:
    return Job(NAME, status, cluster="cpu-small", **changes)


def failed(error: str = "", code: str = "UserError", **tags: str) -> JobSeen:
    history = History(BEGAN, ENDED, error_code=code, error=error)
    return seen_of(job("Failed", tags=tags), history)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("NotStarted", "waiting"),
        ("Starting", "waiting"),
        ("Preparing", "waiting"),
        ("Provisioning", "waiting"),
        ("Queued", "waiting"),
        ("Running", "running"),
        ("Finalizing", "running"),
        ("NotResponding", "running"),
        ("Completed", "succeeded"),
        ("Failed", "failed"),
        ("Canceled", "cancelled"),
        ("SomethingNewNextYear", "waiting"),
    ],
)
def test_each_status_has_a_state(status: str, state: str) -> None:
    assert job(status).state == state


def test_a_job_that_is_being_cancelled_runs_until_it_has_ended() -> None:
    assert seen_of(job("CancelRequested"), History(BEGAN)).state is JobState.RUNNING
    assert seen_of(job("CancelRequested"), History()).state is JobState.WAITING


def test_a_good_end_has_times_and_an_exit_code() -> None:
    seen = seen_of(job("Completed"), History(BEGAN, ENDED))
    assert (seen.exit_code, seen.busy_s, seen.ended_at) == (0, 3600.0, ENDED)


@pytest.mark.parametrize(
    ("properties", "tags", "status", "attempt"),
    [
        ({}, {}, "Queued", 1),
        ({}, {Tag.ATTEMPT: "1"}, "Running", 1),
        ({}, {Tag.ATTEMPT: "1"}, "Queued", 2),
        ({}, {Tag.ATTEMPT: "2"}, "Completed", 2),
        ({RETRIES: "1"}, {}, "Queued", 2),
        ({RETRIES: "1"}, {Tag.ATTEMPT: "1"}, "Running", 2),
    ],
)
def test_attempts_are_counted_by_the_service_or_by_the_trainer(
    properties: dict[str, str], tags: dict[str, str], status: str, attempt: int
) -> None:
    assert job(status, properties=properties, tags=tags).attempt == attempt


def test_an_attempt_that_was_seen_is_never_taken_back() -> None:
    assert seen_of(job("Running"), History(BEGAN), attempt=2).attempt == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EXITED.format(3), 3),
        (EXITED.format(137), 137),
        ("The process ended with exit code: 4.", 4),
        ("Failed to pull the image.", None),
    ],
)
def test_the_exit_code_is_read_from_the_services_sentence(error: str, code: int | None) -> None:
    assert exit_code(job("Failed"), error) == code


def test_the_trainers_own_word_comes_first() -> None:
    said = Failure(kind=FailureKind.OUT_OF_MEMORY, message="Too big.", remedy="Shrink it.")
    tags = {Tag.FAILURE: said.model_dump_json(), Tag.EXIT_CODE: "4"}
    seen = failed(EXITED.format(1), **{key.value: value for key, value in tags.items()})
    assert (seen.fault, seen.exit_code, seen.is_lost) == ("Too big. Shrink it.", 4, False)


def test_an_exit_code_alone_is_left_to_the_diagnosis() -> None:
    seen = failed(EXITED.format(137))
    assert (seen.fault, seen.exit_code, seen.is_lost) == (None, 137, False)


def test_what_the_service_did_is_lost_and_told_in_its_words() -> None:
    seen = failed("The node became unusable.", "SystemError")
    assert (seen.fault, seen.is_lost) == ("The node became unusable.", True)


def test_a_users_error_is_not_lost() -> None:
    assert not failed("Failed to pull the image acr.example/x.", "UserError").is_lost


def test_a_trainer_that_was_stopped_by_the_node_may_go_on_elsewhere() -> None:
    assert failed(EXITED.format(75)).is_lost


def test_a_failure_without_a_word_is_said_to_be_one() -> None:
    assert failed().fault == "Azure Machine Learning says no more than that it failed."


def test_a_time_limit_is_told_at_a_cancelled_job() -> None:
    history = History(BEGAN, ENDED, error="The job ran longer than its limit allows.")
    seen = seen_of(job("Canceled"), history)
    assert (seen.state, seen.fault) == (JobState.CANCELLED, history.error)


def test_secrets_in_the_services_words_are_hidden() -> None:
    seen = failed("Bad token: password=hunter2hunter2.", "SystemError")
    assert seen.fault is not None
    assert "hunter2" not in seen.fault


def test_run_history_is_read_with_or_without_its_parts() -> None:
    said = {
        "startTimeUtc": "2026-11-23T09:00:00.0000000+00:00",
        "endTimeUtc": None,
        "error": {"error": {"code": "UserError", "message": "No."}},
        "queueingInfo": {"code": "X", "message": "Wait."},
    }
    assert History.of(said) == History(BEGAN, None, "UserError", "No.", "Wait.")
    assert History.of({"error": None, "queueingInfo": None}) == History()


def test_the_jobs_page_has_each_part_of_its_address_once() -> None:
    found = type("Found", (), {"name": NAME, "status": "Running", "tags": {}, "properties": {}})()
    found.studio_url = "https://ml.azure.com/runs/x?wsid=/a/b&tid=1&tid=1"
    assert Job.of(found).url == "https://ml.azure.com/runs/x?wsid=/a/b&tid=1"


def test_a_job_that_the_service_prepares_waits_for_nothing_else() -> None:
    assert "image and code" in preparing(job("Preparing"))
    assert preparing(job("Queued")) == ""
