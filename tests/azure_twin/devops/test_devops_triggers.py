"""What starts pipelines by itself in the twin: pushes and cron minutes."""

from datetime import UTC, datetime

import pytest

from bot.adapters.local.interpreter.source import parse
from tests.azure_twin.devops.conftest import Lab
from tests.azure_twin.devops.triggers import is_due, is_pushed
from tests.azure_twin.world import PROJECT

CI = """
trigger:
  branches: {include: [main]}
  paths: {include: [azure-pipelines/runs/*]}
steps:
  - checkout: none
  - bash: echo "$(Build.Reason) $(Build.SourceVersion) $(Build.RequestedFor) $BUILD_SOURCEBRANCH"
    displayName: Show
"""
SCHEDULED = """
trigger: none
schedules:
  - cron: "0 3 * * *"
    displayName: Nightly
    branches: {include: [main]}
    always: ALWAYS
steps:
  - checkout: none
  - bash: echo "$(Build.Reason)"
    displayName: Show
"""


@pytest.mark.parametrize(
    ("trigger", "branch", "paths", "starts"),
    [
        ("trigger: none", "main", ["a"], False),
        ("name: x", "feature", ["a"], True),
        ("trigger: [main, release/*]", "main", ["a"], True),
        ("trigger: [main, release/*]", "release/2", ["a"], True),
        ("trigger: [main, release/*]", "feature", ["a"], False),
        ("trigger: {paths: {include: [docs]}}", "main", ["docs/a.md", "x"], True),
        ("trigger: {paths: {include: [docs/*]}}", "main", ["bot/a.py"], False),
        ("trigger: {paths: {exclude: [docs]}}", "main", ["docs/a.md"], False),
        ("trigger: {branches: {exclude: [main]}}", "main", ["a"], False),
    ],
)
def test_a_push_starts_what_its_trigger_names(
    trigger: str, branch: str, paths: list[str], starts: bool
) -> None:
    document = parse(f"{trigger}\n", name="p.yml")
    assert is_pushed(document, f"refs/heads/{branch}", paths) is starts


def test_a_minute_is_due_by_its_cron() -> None:
    assert is_due("0 3 * * *", datetime(2026, 1, 5, 3, 0, 30, tzinfo=UTC))
    assert not is_due("0 3 * * *", datetime(2026, 1, 5, 3, 1, tzinfo=UTC))
    assert not is_due("0 3 * * Mon", datetime(2026, 1, 6, 3, 0, tzinfo=UTC))


def test_a_push_to_the_named_folder_starts_ci(lab: Lab) -> None:
    lab.write(CI, "ci")
    values = {"commit": "c0ffee", "author": "Alex Wilber"}
    assert lab.control("push", paths=["README.md"], **values) == []
    [run] = lab.control("push", paths=["azure-pipelines/runs/tiny.yaml"], **values)
    build = lab.bot.ended(run)
    assert (build.reason, build.source_version) == ("individualCI", "c0ffee")
    assert build.requested_for.display_name == "Alex Wilber"
    shown = "IndividualCI c0ffee Alex Wilber refs/heads/main"
    assert lab.bot.lines(run, "Show") == [shown]
    assert [one.id for one in lab.bot.builds.get_builds(PROJECT, reason_filter="individualCI")] == [
        run
    ]


def test_a_schedule_needs_a_new_commit_unless_always(lab: Lab) -> None:
    lab.write(SCHEDULED.replace("ALWAYS", "true"), "scheduled")
    at = "2026-01-05T03:00:00+00:00"
    assert lab.control("cron", at="2026-01-05T04:00:00+00:00") == []
    [first], [second] = lab.control("cron", at=at), lab.control("cron", at=at)
    assert lab.bot.ended(first).reason == "schedule"
    assert lab.bot.ended(second).result == "succeeded"
    assert lab.bot.lines(first, "Show") == ["Schedule"]
    lab.write(SCHEDULED.replace("ALWAYS", "false"), "scheduled")
    assert lab.control("cron", at=at) == []
