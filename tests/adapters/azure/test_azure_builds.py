"""Which build of Azure Pipelines is the run of a name."""

import pytest

from bot.adapters.azure.builds import Build, build_of, chosen, named, surplus
from bot.adapters.azure.lookout import minted
from bot.domain.run import PipelineState
from tests.adapters.azure.recorded import build

NAME = "run-20261123-aaaaaa"


def of(number: int, status: str = "inProgress", result: str | None = None) -> Build:
    return build_of(build(number, NAME, status=status, result=result))


@pytest.mark.parametrize(
    "values",
    [
        {"buildNumber": NAME},
        {"buildNumber": "20261123.4", "tags": ["x", NAME]},
        {"buildNumber": "20261123.4", "templateParameters": {"runKey": NAME}},
    ],
)
def test_a_build_is_ours_by_number_by_tag_and_by_parameter(values: dict[str, object]) -> None:
    said = build(7, str(values.pop("buildNumber")), **values)
    assert [each.id for each in named([build_of(said)], NAME)] == [7]
    assert named([build_of(said)], "run-20261123-bbbbbb") == []


@pytest.mark.parametrize(
    ("status", "result", "expected"),
    [
        ("notStarted", None, PipelineState.QUEUED),
        ("postponed", None, PipelineState.QUEUED),
        ("inProgress", None, PipelineState.RUNNING),
        ("cancelling", None, PipelineState.RUNNING),
        ("completed", "succeeded", PipelineState.SUCCEEDED),
        ("completed", "partiallySucceeded", PipelineState.SUCCEEDED),
        ("completed", "failed", PipelineState.FAILED),
        ("completed", "canceled", PipelineState.CANCELLED),
        ("completed", "none", PipelineState.LOST),
    ],
)
def test_each_state_of_a_build_has_its_word(
    status: str, result: str | None, expected: PipelineState
) -> None:
    assert of(1, status, result).state is expected


def test_a_deleted_build_is_lost_unless_it_had_ended() -> None:
    running = build_of(build(1, NAME, deleted=True))
    ended = build_of(build(1, NAME, deleted=True, status="completed", result="succeeded"))
    assert running.state is PipelineState.LOST
    assert running.is_over
    assert ended.state is PipelineState.SUCCEEDED


def test_the_oldest_build_that_is_not_cancelled_counts() -> None:
    cancelled, second, third = of(1, "completed", "canceled"), of(2), of(3)
    assert chosen([cancelled, second, third]) == second
    assert chosen([cancelled]) == cancelled
    assert chosen([]) is None


def test_a_second_build_is_cancelled_only_before_it_has_begun() -> None:
    first, begun, waiting = of(1), of(2), of(3, "notStarted")
    assert surplus([first, begun, waiting]) == [waiting]
    assert surplus([first]) == []
    assert surplus([of(1, "notStarted"), of(2, "notStarted")]) == [of(2, "notStarted")]


def test_complaints_of_a_build_that_could_not_begin_are_kept() -> None:
    said = build(
        1,
        NAME,
        validationResults=[
            {"result": "error", "message": "The pipeline is not valid."},
            {"result": "warning", "message": "A tag is old."},
        ],
    )
    assert build_of(said).complaints == ("The pipeline is not valid.",)


@pytest.mark.parametrize(
    ("name", "day"),
    [
        (NAME, "2026-11-22T23:00"),
        ("promo-20260105-bcdefg", "2026-01-04T23:00"),
        ("run-20269999-aaaaaa", "1970"),
        ("by-hand", "1970"),
    ],
)
def test_a_name_says_since_when_its_run_can_have_been_queued(name: str, day: str) -> None:
    assert minted(name).isoformat().startswith(day)
