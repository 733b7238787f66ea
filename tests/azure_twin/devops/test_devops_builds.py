"""Builds of the twin: found by filters, page by page, with their logs and tags."""

from datetime import UTC, datetime, timedelta

from tests.azure_twin.devops.conftest import Lab
from tests.azure_twin.devops.test_devops_runs import SIMPLE
from tests.azure_twin.world import PROJECT


def test_builds_are_found_by_number_tag_status_and_ids(lab: Lab) -> None:
    number = lab.write(SIMPLE)
    ids = {}
    for key in ("run-a", "run-a-r2", "run-b"):
        ids[key] = lab.bot.run(number, {"runKey": key}).id
    for build_id in ids.values():
        lab.bot.ended(build_id)

    def found(**values: object) -> set[int]:
        return {build.id for build in lab.bot.builds.get_builds(PROJECT, **values)}

    assert found(definitions=[11], build_number="run-a") == {ids["run-a"]}
    assert found(build_number="run-a*") == {ids["run-a"], ids["run-a-r2"]}
    assert found(tag_filters=["run-b"]) == {ids["run-b"]}
    assert found(build_ids=[ids["run-a"], ids["run-b"]]) == {ids["run-a"], ids["run-b"]}
    assert found(definitions=[12]) == set()
    assert found(status_filter="inProgress") == set()
    assert found(result_filter="succeeded,failed") == set(ids.values())
    assert found(min_time=datetime.now(UTC) + timedelta(minutes=1)) == set()
    assert found(min_time=datetime.now(UTC) - timedelta(minutes=9)) == set(ids.values())


def test_a_long_list_goes_on_with_a_token(lab: Lab) -> None:
    number = lab.write(SIMPLE)
    ids = [lab.bot.run(number, {"runKey": f"run-{n}"}).id for n in range(3)]
    for build_id in ids:
        lab.bot.ended(build_id)
    first = lab.bot.builds.get_builds(PROJECT, top=2, query_order="queueTimeAscending")
    assert [build.id for build in first] == ids[:2]
    rest = lab.bot.builds.get_builds(
        PROJECT, top=2, query_order="queueTimeAscending", continuation_token="2"
    )
    assert [build.id for build in rest] == ids[2:]


def test_a_log_is_read_from_a_line(lab: Lab) -> None:
    run = lab.bot.run(
        lab.write("steps:\n  - checkout: none\n  - bash: seq 1 5\n    displayName: Count\n")
    )
    lab.bot.ended(run.id)
    log = lab.bot.record(run.id, "Task", "Count").log
    lines = lab.bot.builds.get_build_log_lines(PROJECT, run.id, log.id, start_line=3)
    assert [line.split()[1] for line in lines[:-1]] == ["2", "3", "4", "5"]
    datetime.fromisoformat(lines[0].split()[0].rstrip("Z")[:26])
    whole = b"".join(lab.bot.builds.get_build_log(PROJECT, run.id, log.id))
    assert whole.count(b"\n") == 7
    [listed] = [one for one in lab.bot.builds.get_build_logs(PROJECT, run.id) if one.id == log.id]
    assert listed.line_count == 7
    logs = lab.bot.pipelines.list_logs(PROJECT, 11, run.id).logs
    assert log.id in [one.id for one in logs]


def test_tags_are_added_and_taken_away(lab: Lab) -> None:
    run = lab.bot.run(lab.write(SIMPLE), {"runKey": "run-7"})
    lab.bot.ended(run.id)
    assert lab.bot.builds.add_build_tag(PROJECT, run.id, "mine") == ["run-7", "mine"]
    assert lab.bot.builds.delete_build_tag(PROJECT, run.id, "run-7") == ["mine"]
    assert lab.bot.builds.get_build_tags(PROJECT, run.id) == ["mine"]
