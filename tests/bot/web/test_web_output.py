"""What a run wrote, over HTTP: curves, log, audit trail."""

import math

import pytest
from aiohttp import ClientError

from bot.errors import UnavailableError
from bot.ports import Mark


def curve(n: int) -> list[tuple[int, float]]:
    return [(step, 5.0 + (7.0 if step == 321 else 0.0)) for step in range(n)]


@pytest.fixture
async def run_id(site):
    run_id = await site.run()
    site.tracking.points[run_id] = {"loss": curve(1000), "lr": [(0, 0.1), (999, 0.2)]}
    site.tracking.flags[run_id] = [Mark(500, "checkpoint", "Checkpoint at step 500")]
    site.tracking.lines[run_id] = [f"line {n}" for n in range(1, 1001)]
    return run_id


async def test_a_spike_survives_a_hundredfold_reduction(site, run_id):
    body = await (await site.get(f"runs/{run_id}/metrics?keys=loss&buckets=10")).json()
    (loss,) = body["series"]
    assert len(body["steps"]) == len(loss["high"]) == 10
    assert max(loss["high"]) == 12.0
    assert (loss["points"], body["points"]) == (1000, 1000)
    assert body["marks"] == [{"step": 500, "kind": "checkpoint", "text": "Checkpoint at step 500"}]


@pytest.mark.parametrize("query", ["keys=loss&keys=lr", "keys=loss,lr", ""])
async def test_curves_are_named_by_repeating_or_by_commas_or_all(site, run_id, query):
    body = await (await site.get(f"runs/{run_id}/metrics?{query}")).json()
    assert [series["key"] for series in body["series"]] == ["loss", "lr"]


async def test_zooming_looks_at_a_part_only(site, run_id):
    path = f"runs/{run_id}/metrics?keys=loss&first_step=300&last_step=310"
    body = await (await site.get(path)).json()
    assert (body["first_step"], body["last_step"], body["points"]) == (300, 310, 11)


async def test_a_value_that_is_no_number_is_null(site, run_id):
    site.tracking.points[run_id] = {"loss": [(0, math.nan), (1, math.inf)]}
    answer = await site.get(f"runs/{run_id}/metrics?keys=loss")
    assert answer.status == 200
    assert "NaN" not in await answer.text()
    assert "Infinity" not in await answer.text()


@pytest.mark.parametrize(
    ("query", "loc"),
    [
        ("buckets=0", "buckets"),
        ("buckets=4001", "buckets"),
        ("smooth=1", "smooth"),
        ("smooth=nan", "smooth"),
        ("first_step=-1", "first_step"),
        ("last_step=99999999999999999999", "last_step"),
        ("first_step=2&last_step=1", ""),
        ("keys=", "keys.0"),
        ("zoom=1", "zoom"),
    ],
)
async def test_curves_refuse_what_they_cannot_draw(site, run_id, query, loc):
    answer = await site.get(f"runs/{run_id}/metrics?{query}")
    body = await site.refused(answer, 422, "invalid_input")
    assert [error["loc"] for error in body["errors"]] == [loc]


async def test_curves_that_did_not_change_are_not_sent_again(site, run_id):
    path = f"runs/{run_id}/metrics"
    first = await site.get(path)
    known = {"If-None-Match": first.headers["ETag"]}
    same = await site.get(path, headers=known)
    site.tracking.points[run_id]["loss"].append((1000, 1.0))
    news = await site.get(path, headers=known)
    assert (same.status, await same.read()) == (304, b"")
    assert same.headers["ETag"] == first.headers["ETag"]
    assert news.status == 200
    assert news.headers["ETag"] != first.headers["ETag"]


async def test_curves_travel_compressed(site, run_id):
    path = f"runs/{run_id}/metrics"
    plain = await site.get(path, headers={"Accept-Encoding": "identity"})
    small = await site.get(path, headers={"Accept-Encoding": "gzip"})
    assert small.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert small.headers["ETag"] == plain.headers["ETag"]
    assert await small.json() == await plain.json()


@pytest.mark.parametrize(
    ("query", "first", "lines"),
    [
        ("first=3&count=2", 3, ["line 3", "line 4"]),
        ("first=-2&count=9", 999, ["line 999", "line 1000"]),
        ("first=0&count=1", 1, ["line 1"]),
        ("first=1001", 1001, []),
    ],
)
async def test_log_lines_are_counted_from_one_or_from_the_end(site, run_id, query, first, lines):
    body = await (await site.get(f"runs/{run_id}/log?{query}")).json()
    assert body == {"lines": lines, "first": first, "total": 1000}


@pytest.mark.parametrize("query", ["count=0", "count=5001", "first=a", f"first={2**63}"])
async def test_the_log_refuses_a_range_that_makes_no_sense(site, run_id, query):
    await site.refused(await site.get(f"runs/{run_id}/log?{query}"), 422, "invalid_input")


async def test_a_search_finds_lines_and_says_how_many_more_there_are(site, run_id):
    body = await (await site.get(f"runs/{run_id}/log/search?q=LINE+10&limit=2")).json()
    assert body == {"numbers": [10, 100], "total": 12}


async def test_a_search_needs_a_text(site, run_id):
    answer = await site.get(f"runs/{run_id}/log/search")
    body = await site.refused(answer, 422, "invalid_input")
    assert body["errors"][0]["loc"] == "q"


async def test_the_whole_log_is_a_file(site, run_id):
    answer = await site.get(f"runs/{run_id}/log.txt")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{run_id}.log.txt"'
    assert answer.content_type == "text/plain"
    assert (await answer.text()).splitlines() == site.tracking.lines[run_id]


async def test_the_file_is_compressed_for_those_who_can(site, run_id):
    answer = await site.get(f"runs/{run_id}/log.txt", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert (await answer.text()).endswith("line 1000\n")


class BrokenTracking:
    """Fails before or after the first piece of a log."""

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces

    async def read_log(self, run_id: str):
        for _ in range(self.pieces):
            yield b"a line\n" * 20_000
        raise UnavailableError("The disk does not answer; try again.")


async def test_a_log_that_cannot_be_read_is_a_problem_not_an_empty_file(site, run_id):
    site.service.read_log = BrokenTracking(0).read_log
    await site.refused(await site.get(f"runs/{run_id}/log.txt"), 503, "unavailable")


async def test_a_log_that_breaks_off_does_not_look_whole(site, run_id, caplog):
    site.service.read_log = BrokenTracking(3).read_log
    with pytest.raises(ClientError):
        await (await site.get(f"runs/{run_id}/log.txt")).read()
    assert "The disk does not answer" in caplog.text


async def test_activity_goes_on_after_what_is_known(site, run_id):
    everything = (await (await site.get(f"runs/{run_id}/activity")).json())["events"]
    known = everything[0]["seq"]
    rest = (await (await site.get(f"runs/{run_id}/activity?after={known}")).json())["events"]
    assert everything[0]["actor"] == "Alex Wilber"
    assert [event["seq"] for event in rest] == [event["seq"] for event in everything[1:]]


@pytest.mark.parametrize("after", ["-1", "a", str(2**63)])
async def test_activity_refuses_what_is_no_number_of_an_event(site, run_id, after):
    answer = await site.get(f"runs/{run_id}/activity?after={after}")
    await site.refused(answer, 422, "invalid_input")
