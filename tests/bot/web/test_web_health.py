"""What operators see."""

from bot.errors import UnavailableError
from bot.web.telemetry import Reading


async def test_a_process_that_answers_is_alive(site):
    answer = await site.get("/healthz")
    assert (answer.status, await answer.json()) == (200, {"status": "ok", "problems": []})


async def test_a_service_that_works_is_ready(site):
    assert (await site.get("/readyz")).status == 200


async def test_a_service_without_its_store_is_alive_but_not_ready(site):
    site.store.fail_next(UnavailableError("The store does not answer."))
    answer = await site.get("/readyz")
    assert answer.status == 503
    assert (await answer.json())["problems"] == ["The store does not answer."]
    assert (await site.get("/healthz")).status == 200


async def numbers(site) -> list[str]:
    answer = await site.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain")
    return (await answer.text()).splitlines()


async def test_requests_are_counted_by_route_not_by_address(site):
    await site.get("runs/run-20260101-aaaaaa")
    await site.get("runs/run-20260101-bbbbbb")
    await site.get("nothing/at/all")
    found = await numbers(site)
    route = "/api/v1/runs/{run_id}"
    assert f'krsp_http_requests_total{{method="GET",route="{route}",status="404"}} 2.0' in found
    assert f'krsp_http_request_seconds_count{{method="GET",route="{route}"}} 2.0' in found
    assert not any("at/all" in line for line in found)


async def test_runs_are_counted_by_status(site):
    await site.run()
    await site.dear_run()
    found = await numbers(site)
    assert 'krsp_runs{status="queued"} 1.0' in found
    assert 'krsp_runs{status="awaiting_approval"} 1.0' in found
    assert 'krsp_runs{status="failed"} 0.0' in found


async def test_what_others_hand_in_is_read_anew_each_time(site):
    states = {"pending": 2.0}

    async def read() -> dict[str, float]:
        return dict(states)

    site.web.telemetry.add(Reading("outbox", "Messages in each state.", "state", read))
    assert 'krsp_outbox{state="pending"} 2.0' in await numbers(site)
    states = {"sent": 3.0}
    found = await numbers(site)
    assert 'krsp_outbox{state="sent"} 3.0' in found
    assert not any(line.startswith('krsp_outbox{state="pending"}') for line in found)
